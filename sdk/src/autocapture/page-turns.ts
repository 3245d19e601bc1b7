/** The Navigation API, which is not in TypeScript's DOM library yet. */
interface NavigationWindow {
  readonly navigation?: EventTarget;
}

/**
 * Runs each time an app has changed path or query without a load, until the signal. By the Navigation API where the
 * browser has it; else by wrapping History, whose wrappers stay: somebody else may have wrapped them in turn.
 */
export function followTurns(onTurn: () => void, signal: AbortSignal): void {
  const read = (): string => location.pathname + location.search;
  let last = read();
  const look = (): void => {
    const address = read();
    if (signal.aborted || address === last) return;
    last = address;
    onTurn();
  };
  const { navigation } = window as NavigationWindow;
  if (navigation) {
    navigation.addEventListener('currententrychange', look, { signal });
    return;
  }
  for (const name of ['pushState', 'replaceState'] as const) {
    const original = history[name];
    history[name] = function (this: History, ...given) {
      original.apply(this, given);
      look();
    };
  }
  addEventListener('popstate', look, { signal });
}
