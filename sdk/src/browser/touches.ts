import { followTouches } from '../core/touch';
import type { Arrival, Touches } from '../core/touch';
import { browserClock } from './clock';
import { keepJson } from './identity-store';
import type { LocalStore } from './local-storage';
import type { PageContext } from './page-context';

export interface TouchEdges {
  /** In the store. */
  readonly key: string;
  /** The page as it was entered. */
  readonly entered: PageContext;
  readonly domain: () => string;
}

/** Remembers on this origin how the visitor came. */
export function keepTouches(
  local: LocalStore,
  { key, entered: { page, campaign }, domain }: TouchEdges,
): {
  /** What an event of this session says of it. */
  readonly read: (sessionId: string) => Pick<Touches, 'firstTouch' | 'lastTouch'>;
  readonly forget: () => void;
} {
  const kept = keepJson<Touches | null>(local, key, null);
  // A worker has not been entered.
  let arrival: Arrival | undefined = page && { path: page.path, referrer: page.referrer, campaign };
  return {
    read: (sessionId) => {
      const last = kept.read();
      const touches = followTouches(last, { sessionId, now: browserClock.now(), arrival, domain: domain() });
      arrival = undefined;
      if (touches !== last) kept.write(touches);
      const { firstTouch, lastTouch } = touches;
      return { firstTouch, lastTouch };
    },
    forget: () => kept.write(null),
  };
}
