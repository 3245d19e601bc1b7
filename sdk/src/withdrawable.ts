import { createLocalStore } from './browser/local-storage';
import type { LocalStore } from './browser/local-storage';
import type { PageContext } from './browser/page-context';
import { createSiteCookie, removeCookie } from './browser/site-cookie';
import { keepTouches } from './browser/touches';
import type { createSubscriptions } from './core/subscriptions';
import type { TagSettings } from './options';
import { openTracker } from './tracker';
import type { Opened } from './tracker';

const NO_COOKIE = { read: () => undefined, write: () => undefined };

export interface Withdrawable {
  readonly opened: Opened;
  /** Takes it back with all that it has stored. */
  readonly withdraw: () => void;
}

interface WithdrawableEdges {
  readonly subscriptions: ReturnType<typeof createSubscriptions>;
  readonly kept: LocalStore | undefined;
  /** How the page was entered, whenever it is that consent is given. */
  readonly entered: PageContext;
  /** Another page of the visitor's has withdrawn. */
  readonly onWithdrawn: () => void;
}

/** A tracker that can be taken back. */
export function openWithdrawable(
  settings: TagSettings,
  { subscriptions, kept, entered, onWithdrawn }: WithdrawableEdges,
): Withdrawable {
  const prefix = `${settings.namespace}.`;
  const end = new AbortController();
  // What comes back late, such as an answer, must not be kept either.
  const area = (): Storage | false => !end.signal.aborted && localStorage;
  const local = kept ?? (settings.cookieless ? createLocalStore(() => false) : undefined);
  const cookie = createSiteCookie(settings);
  const identity = local ? { local, cookie: NO_COOKIE } : { cookie };
  const opened = openTracker({ ...settings, autoPage: false }, { subscriptions, area, identity });
  const { tracker } = opened;
  const touches = keepTouches(local ?? createLocalStore(area), {
    key: `${prefix}touches`,
    entered,
    domain: cookie.domain,
  });
  // Only a withdrawal takes the ID away: it holds for all pages of the visitor.
  const onStorage = ({ key, newValue }: StorageEvent): void => {
    if (key === `${prefix}anonymous` && newValue === null) onWithdrawn();
  };
  addEventListener('storage', onStorage, { signal: end.signal });
  const withdraw = (): void => {
    const { queue, database, tell, stop } = opened;
    stop();
    const waiting = queue.idle();
    waiting.forEach(({ id }) => tell(id, 'consent'));
    void queue.settle(waiting);
    // Also what pages that are gone have left.
    void database.names().then((names) => database.remove(names ?? []));
    for (const store of [createLocalStore(() => localStorage), kept]) {
      store?.keys(prefix).forEach((key) => store.remove(prefix + key));
    }
    removeCookie(`${settings.namespace}_id`);
    // A page that is rendered in advance would store what it has recorded when it is opened.
    queue.add = (id) => tell(id, 'consent');
    subscriptions.emit('forget');
    end.abort();
  };
  const call: Opened['call'] = (type, given, moment) => {
    const page = { ...moment?.page, ...touches.read(tracker.session().id) };
    return opened.call(type, given, { ...moment, page });
  };
  const reset = (): void => (tracker.reset(), touches.forget());
  return { opened: { ...opened, call, tracker: { ...tracker, reset } }, withdraw };
}
