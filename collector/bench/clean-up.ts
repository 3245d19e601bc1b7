/** What a run leaves behind is nothing, also when it is interrupted. */

export interface CleanUp {
  /** Called, newest first, at the end or on a signal; returns what calls it now and forgets it. */
  readonly add: (undo: () => void | Promise<void>) => () => Promise<void>;
  readonly run: () => Promise<void>;
  /** What fails from now on fails because it was told to end. */
  readonly isInterrupted: () => boolean;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What shells add to a signal's number; SIGINT's. */
const INTERRUPTED = 130;

export function createCleanUp(): CleanUp {
  const undos: (() => void | Promise<void>)[] = [];
  let running: Promise<void> | undefined;

  async function undoAll(): Promise<void> {
    for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
      // One thing that cannot be removed is no reason to leave the others.
      await Promise.resolve()
        .then(undo)
        .catch((error: unknown) => console.error(error));
    }
  }

  const run = (): Promise<void> => (running ??= undoAll().finally(() => (running = undefined)));
  let isInterrupted = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      isInterrupted = true;
      void run().then(() => process.exit(INTERRUPTED));
    });
  }
  return {
    add(undo) {
      undos.push(undo);
      return async () => {
        const at = undos.indexOf(undo);
        if (at === -1) return;
        undos.splice(at, 1);
        await undo();
      };
    },
    run,
    isInterrupted: () => isInterrupted,
  };
}
