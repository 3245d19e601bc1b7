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
import { attempt } from './core/attempt';
import { createEvent, readCall } from './core/event';
import type { CallOptions } from './core/event';
import type { User } from './core/identity';
import { createUuidV7 } from './core/uuid';
import type { EventType, WireEvent } from './core/wire';
import { resolveOptions } from './options';
import type { Settings, TrackerOptions } from './options';

/** Events by name with their properties, to have calls checked: `createTracker<{ 'Cart Viewed': {…} }>(…)`. */
export type AnyEvents = Record<string, object>;

/**
 * All calls return at once and never throw. The signatures are those of Segment's analytics.js; what JSON
 * cannot carry is replaced.
 */
export interface Tracker<Events extends object = AnyEvents> {
  /** Says who the visitor is, for this and all later events, and what is known about them. */
  identify(userId?: string | number | null, traits?: object, options?: CallOptions): void;
  identify(traits: object, options?: CallOptions): void;
  /** Something was done. */
  track<Name extends keyof Events & string>(
    event: Name,
    properties?: Events[Name],
    options?: CallOptions,
  ): void;
  /** A page was seen; its path, referrer, search, title and url are added. */
  page(name?: string | null, properties?: object, options?: CallOptions): void;
  page(category: string | null, name: string | null, properties?: object, options?: CallOptions): void;
  /** A screen of an app was seen. */
  screen(name?: string | null, properties?: object, options?: CallOptions): void;
  /** The visitor belongs to a group, such as a company, with these traits. */
  group(groupId?: string | number | null, traits?: object, options?: CallOptions): void;
  /** This user ID is also the one before, by default the anonymous ID. */
  alias(userId: string | number, previousId?: string | number | null, options?: CallOptions): void;
  /** Forgets user and traits and makes a new anonymous ID: somebody signed out. */
  reset(): void;
  /** Sends what waits; resolves when nothing more can be done now, never rejects. */
  flush(): Promise<void>;
  /** Ends it: sends a last time, lets go of page and locks, ignores later calls. What waits stays stored. */
  close(): void;
  /** Empty on a server. */
  anonymousId(): string;
  user(): User;
}

/** A call that was made before there was a tracker: method, arguments, and when, in milliseconds since 1970. */
export type EarlyCall = readonly [method: string, given: readonly unknown[], at?: number];

const newId = createUuidV7(browserClock.now, (bytes) => crypto.getRandomValues(bytes));

/**
 * Starts tracking on this page. On a server it gives a tracker that does nothing.
 *
 * @throws TypeError where options are missing, bad or unknown; it names them all
 */
export function createTracker<Events extends object = AnyEvents>(options: TrackerOptions): Tracker<Events> {
  const isBrowser = typeof document !== 'undefined';
  return (isBrowser ? openTracker(options) : createIdleTracker(options)) as Tracker<Events>;
}

function createIdleTracker(options: TrackerOptions): Tracker {
  resolveOptions(options);
  const ignore = (): void => undefined;
  const calls = {
    identify: ignore,
    track: ignore,
    page: ignore,
    screen: ignore,
    group: ignore,
    alias: ignore,
  };
  const rest = { reset: ignore, close: ignore, flush: () => Promise.resolve() };
  return { ...calls, ...rest, anonymousId: () => '', user: () => ({ traits: {} }) };
}

/** As createTracker, in a browser, and does first what was called before. */
export function openTracker(options: TrackerOptions, earlyCalls: readonly EarlyCall[] = []): Tracker {
  const settings = resolveOptions(options);
  const local = createLocalStore(() => localStorage);
  const identity = createIdentityStore({
    local,
    cookie: createCookie(`${settings.namespace}_id`, settings.cookieDomain),
    prefix: `${settings.namespace}.`,
    newId,
  });
  // The page's own function must not break what calls it.
  const onDrop: Settings['onDrop'] = (...what) => attempt(() => settings.onDrop(...what));
  const { queue, sender, locks } = openPipeline({ ...settings, onDrop }, local);
  const life = new AbortController();
  let recordedAt: number | undefined;
  let settlePageView = (): void => undefined;
  let conceal = settlePageView;

  /** Whatever a page has done to its globals, or hands over: its own code goes on. */
  const safely = (work: () => void): void => {
    if (life.signal.aborted) return;
    try {
      work();
    } catch (error) {
      onDrop(1, 'failed', String(error));
    }
  };
  const record = (type: EventType, given: readonly unknown[]): void => {
    const event = createOwnEvent(identity, { type, given, at: recordedAt });
    queue.add(event.messageId, JSON.stringify(event));
    sender.notice();
  };
  const call = (type: EventType) => {
    return (...given: readonly unknown[]): void => safely(() => (settlePageView(), record(type, given)));
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
  if (settings.autoPage) {
    settlePageView = followPageViews(browserClock, () => safely(() => record('page', [])), life.signal);
  }

  const tracker: Tracker = {
    identify: call('identify'),
    track: call('track'),
    page: call('page'),
    screen: call('screen'),
    group: call('group'),
    alias: call('alias'),
    reset: () => safely(() => (settlePageView(), identity.reset())),
    flush: () => (settlePageView(), sender.flush()),
    close: () => {
      onLeave();
      life.abort();
    },
    anonymousId: identity.anonymousId,
    user: identity.user,
  };
  for (const [method, given, time] of earlyCalls) {
    recordedAt = time;
    const run: unknown = tracker[method as keyof Tracker];
    if (typeof run === 'function') run(...given);
  }
  recordedAt = undefined;
  return tracker;
}

interface OwnCall {
  readonly type: EventType;
  readonly given: readonly unknown[];
  /** In milliseconds since 1970; now, if it is not given. */
  readonly at: number | undefined;
}

/** Makes an event of a call, and remembers what it says about the visitor. */
function createOwnEvent(identity: IdentityStore, { type, given, at }: OwnCall): WireEvent {
  const call = readCall(type, given);
  const [{ userId, traits }] = call;
  if (type === 'identify') identity.identify(userId, traits);
  const now = browserClock.now();
  return createEvent(type, call, {
    messageId: newId(),
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

/** Where events go once they are made. */
function openPipeline(
  settings: Settings,
  local: LocalStore,
): { readonly queue: Queue; readonly sender: Sender; readonly locks: Locks } {
  const { namespace, writeKey, host, fetch, onDrop } = settings;
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
    onDrop,
  });
  const url = `${host}/v1/batch?writeKey=${encodeURIComponent(writeKey)}`;
  const sender = createSender({
    ...settings,
    queue,
    journal,
    clock,
    transport: createTransport({ fetch, url, clock, journal }),
    exclusive: locks.exclusive,
    random: Math.random,
    isOnline: () => navigator.onLine,
  });
  return { queue, sender, locks };
}
