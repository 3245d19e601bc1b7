import { version } from '../package.json';
import { browserClock } from './browser/clock';
import { openDatabase } from './browser/database';
import { createCookie, createIdentityStore } from './browser/identity-store';
import type { IdentityStore } from './browser/identity-store';
import { openJournal } from './browser/journal';
import { followLifecycle, whenActivated } from './browser/lifecycle';
import { createLocalStore } from './browser/local-storage';
import type { LocalStore } from './browser/local-storage';
import { createLeaseLocks, createWebLocks } from './browser/locks';
import type { Locks } from './browser/locks';
import { readContext } from './browser/page-context';
import { followPageViews } from './browser/page-views';
import { createQueue } from './browser/queue';
import type { Queue } from './browser/queue';
import { createSender } from './browser/sender';
import type { Sender } from './browser/sender';
import { createTransport } from './browser/transport';
import type { AnyEvents, Plugin, Tracker } from './api';
import { attempt } from './core/attempt';
import { createEvent, readCall } from './core/event';
import type { Call } from './core/event';
import { NOBODY } from './core/identity';
import { createReceipt, createReceipts } from './core/receipt';
import type { Receipt, Tell } from './core/receipt';
import { createSubscriptions } from './core/subscriptions';
import type { Subscriptions } from './core/subscriptions';
import { createUuidV7 } from './core/uuid';
import type { EventType, WireEvent } from './core/wire';
import { resolveOptions } from './options';
import type { Settings, TrackerOptions } from './options';

/** A call that was made before there was a tracker: method, arguments, and when, in milliseconds since 1970. */
export type EarlyCall = readonly [method: string, given: readonly unknown[], at?: number];

const newId = createUuidV7(browserClock.now, (bytes) => crypto.getRandomValues(bytes));

/**
 * Starts tracking on this page. On a server it gives a tracker that does nothing.
 *
 * @throws TypeError where options are missing, bad or unknown; it names them all
 */
export function createTracker<Events extends object = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  const settings = resolveOptions(options);
  const isBrowser = typeof document !== 'undefined';
  return (isBrowser ? openTracker(settings) : createIdleTracker()) as Tracker<Events>;
}

const CALLS: readonly EventType[] = ['identify', 'track', 'page', 'screen', 'group', 'alias'];

type Calls = Pick<Tracker, EventType>;

/** The six calls of a tracker, all done in one way. */
function createCalls(call: (type: EventType, given: readonly unknown[]) => Promise<Receipt>): Calls {
  const calls = CALLS.map((type) => [type, (...given: readonly unknown[]) => call(type, given)] as const);
  return Object.fromEntries(calls) as unknown as Calls;
}

function createIdleTracker(): Tracker {
  const ignore = (): void => undefined;
  const subscribe = (): typeof ignore => ignore;
  return {
    ...createCalls(() => Promise.resolve(createReceipt('', 'closed'))),
    ...{ reset: ignore, close: ignore, use: subscribe, on: subscribe },
    flush: () => Promise.resolve(),
    anonymousId: () => '',
    user: () => NOBODY,
  };
}

/** Starts tracking with complete settings, which nobody checks any more, and does first what was called before. */
export function openTracker(settings: Settings, earlyCalls: readonly EarlyCall[] = []): Tracker {
  const { on, of, emit } = createSubscriptions();
  const { expect, tell } = createReceipts(emit);
  const local = createLocalStore(() => localStorage);
  const identity = openIdentity(settings, local);
  const { queue, sender, locks } = openPipeline(settings, local, { tell, emit });
  const life = new AbortController();
  let recordedAt: number | undefined;
  let settlePageView = (): void => undefined;
  let conceal = settlePageView;

  on('drop', ({ reason, detail }: Receipt) => settings.onDrop(1, reason!, detail));
  settings.plugins.forEach((plugin) => on('plugin', plugin));

  const record = (messageId: string, type: EventType, given: readonly unknown[]): void => {
    if (life.signal.aborted) return tell(messageId, 'closed');
    const made = createOwnEvent(identity, readCall(type, given), { messageId, at: recordedAt });
    const event = applyPlugins(made, of('plugin') as readonly Plugin[]);
    if (!event) return tell(messageId, 'plugin');
    // Only what the plugins leave is remembered of a visitor.
    if (type === 'identify') identity.identify(event.userId, event.traits);
    // A page that is rendered in advance may never be seen: then nothing is stored or heard of it.
    whenActivated(() => {
      queue.add(messageId, JSON.stringify(event));
      sender.notice();
    });
  };
  const call = (type: EventType, given: readonly unknown[]): Promise<Receipt> => {
    // IDs tell the order: a view that is due has an earlier one.
    settlePageView();
    return new Promise((resolve) => {
      const messageId = newId();
      expect(messageId, resolve);
      try {
        record(messageId, type, given);
      } catch (error) {
        // Whatever a page has done to its globals, or hands over: its own code goes on.
        tell(
          messageId,
          'failed',
          attempt(() => String(error)),
        );
      }
      const callback = given.find((value) => typeof value === 'function');
      if (callback) setTimeout(callback as () => void);
    });
  };
  const onHide = (): void => (settlePageView(), sender.sendOwn());
  const onLeave = (): void => (onHide(), sender.pause(), conceal());
  const onReturn = (): void => {
    conceal = locks.announce();
    sender.resume();
  };
  // A page that is rendered in advance is granted no locks until it is opened: it returns, like a frozen one.
  whenActivated(onReturn);
  followLifecycle({ onHide, onLeave, onReturn, onWake: sender.wake }, life.signal);

  const tracker: Tracker = {
    ...createCalls(call),
    reset: () => (settlePageView(), life.signal.aborted || identity.reset()),
    flush: () => (settlePageView(), sender.flush()),
    close: () => (onLeave(), life.abort()),
    use: (plugin) => on('plugin', plugin),
    on,
    anonymousId: identity.anonymousId,
    user: identity.user,
  };
  if (settings.autoPage) {
    settlePageView = followPageViews(browserClock, () => void tracker.page(), life.signal);
  }
  for (const [method, given, time] of earlyCalls) {
    recordedAt = time;
    const run: unknown = tracker[method as keyof Tracker];
    if (typeof run === 'function') run(...given);
  }
  recordedAt = undefined;
  return tracker;
}

interface Moment {
  readonly messageId: string;
  /** In milliseconds since 1970; now, if it is not given. */
  readonly at: number | undefined;
}

/** Makes an event of a call. */
function createOwnEvent(identity: IdentityStore, call: Call, { messageId, at }: Moment): WireEvent {
  const now = browserClock.now();
  return createEvent(call, {
    messageId,
    timestamp: new Date(at ?? now).toISOString(),
    anonymousId: identity.anonymousId(),
    userId: identity.user().userId,
    context: {
      ...readContext(),
      library: { name: '@throughline/sdk', version },
      sessionId: identity.sessionId(now),
    },
  });
}

/** What the plugins make of an event; what only the tracker can know stays as it is. */
function applyPlugins(event: WireEvent, plugins: readonly Plugin[]): WireEvent | undefined {
  const { type, messageId, timestamp } = event;
  let changed: ReturnType<Plugin> = event;
  for (const plugin of plugins) {
    changed = plugin(changed);
    if (!changed) return undefined;
  }
  return { ...changed, type, messageId, timestamp };
}

function openIdentity({ namespace, cookieDomain }: Settings, local: LocalStore): IdentityStore {
  const cookie = createCookie(`${namespace}_id`, cookieDomain);
  return createIdentityStore({ local, cookie, prefix: `${namespace}.`, newId });
}

/** Where events go once they are made. */
function openPipeline(
  settings: Settings,
  local: LocalStore,
  { tell, emit }: { readonly tell: Tell; readonly emit: Subscriptions['emit'] },
): { readonly queue: Queue; readonly sender: Sender; readonly locks: Locks } {
  const { namespace, writeKey, host, fetch } = settings;
  const prefix = `${namespace}.${writeKey}.`;
  const clock = browserClock;
  const tab = newId().slice(-12);
  const journal = openJournal(local, prefix, clock.now);
  const lockEdges = { tab, prefix, local, clock };
  const locks = navigator.locks ? createWebLocks(navigator.locks, lockEdges) : createLeaseLocks(lockEdges);
  const queue = createQueue({
    tab,
    journal,
    database: openDatabase(prefix + 'events', clock),
    now: clock.now,
    findLive: locks.findLive,
    tell,
  });
  const url = `${host.replace(/\/+$/, '')}/v1/batch?writeKey=${encodeURIComponent(writeKey)}`;
  const sender = createSender({
    ...settings,
    queue,
    journal,
    clock,
    tell,
    onError: (error) => emit('error', error),
    transport: createTransport({ fetch, url, clock, journal }),
    exclusive: locks.exclusive,
    random: Math.random,
    isOnline: () => navigator.onLine,
  });
  return { queue, sender, locks };
}
