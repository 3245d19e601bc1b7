/** The result, or the other value, else undefined, where it throws: for what the page or the browser's settings may break. */
export function attempt<T>(act: () => T, otherwise: T): T;
export function attempt<T>(act: () => T): T | undefined;
export function attempt<T>(act: () => T, otherwise?: T): T | undefined {
  try {
    return act();
  } catch {
    // Blocked, full, missing, or broken by the page: `otherwise` is what the caller falls back on.
    return otherwise;
  }
}
