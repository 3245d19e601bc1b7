import { attempt } from '../core/attempt';
import { hashText } from '../core/sha256';

const KEY = 'throughline.exposures';
/** A browser meets few experiments; the oldest go first. */
const MAX_KEPT = 200;

/** Which exposures were recorded: on this page, and, where that may be kept, by this browser. */
export interface Exposures {
  /** Whether it is the first time. */
  isFirst(experiment: string, variant: string, unitId: string): boolean;
  /** The visitor is another one, or wants nothing kept. */
  readonly forget: () => void;
}

/** @param mayKeep asked each time: while it says no, nothing is kept on the device, and what was there goes */
export function createExposures(mayKeep: () => boolean): Exposures {
  const seen = new Set<string>();
  const read = (): readonly string[] => {
    const kept = attempt(() => JSON.parse(localStorage.getItem(KEY) ?? '[]') as unknown, []);
    return Array.isArray(kept) ? (kept as readonly string[]) : [];
  };
  const wipe = (): void => attempt(() => localStorage.removeItem(KEY));
  return {
    forget: () => (seen.clear(), wipe()),
    isFirst: (...exposure) => {
      // A hash is shorter, and says nothing about whom it was.
      const mark = hashText(exposure.join(':')).toString(36);
      const isNew = !seen.has(mark);
      seen.add(mark);
      if (!mayKeep()) {
        wipe();
        return isNew;
      }
      const kept = read();
      if (kept.includes(mark)) return false;
      attempt(() => localStorage.setItem(KEY, JSON.stringify([...kept, mark].slice(-MAX_KEPT))));
      return isNew;
    },
  };
}
