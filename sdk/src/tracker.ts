import { version } from '../package.json';
import { browserClock } from './browser/clock';
import { openDatabase } from './browser/database';
import type { Database } from './browser/database';
import { createCookie } from './browser/cookie';
import { createIdentityStore } from './browser/identity-store';
import type { IdentityEdges, IdentityStore } from './browser/identity-store';
import { openJournal } from './browser/journal';
import { followLifecycle, whenActivated } from './browser/lifecycle';
import { createLocalStore } from './browser/local-storage';
import type { LocalStore } from './browser/local-storage';
import { createLeaseLocks, createWebLocks } from './browser/locks';
import { readContext } from './browser/page-context';
import { followPageViews } from './browser/page-views';
import { createQueue } from './browser/queue';
import type { Queue } from './browser/queue';
import { createSender } from './browser/sender';
import type { Sender } from './browser/sender';
import { createTransport } from './browser/transport';
import type { Tracker } from './api';
import { attempt } from './core/attempt';
import { createEvent, EVENT_TYPES, readCall } from './core/event';
import type { Call } from './core/event';
import { applyPlugins } from './core/plugin';
import type { Plugin } from './core/plugin';
import { createReceipts } from './core/receipt';
import type { Receipt, Tell } from './core/receipt';
import { createSubscriptions } from './core/subscriptions';
import type { Subscriptions } from './core/subscriptions';
import { createUuidV7 } from './core/uuid';
import { routeUrl } from './core/wire';
import type { EventType, Properties, WireEvent } from './core/wire';
import type { EssentialSettings } from './options';

/**
 * What was asked of a tracker before there was one: a method or one of its parts, as `track` or `consent.set`, its
 * arguments, when in milliseconds since 1970, and who is given what comes of it.
 */
export type EarlyCall = readonly [
  method: string,
  given: readonly unknown[],
  at?: number,
  tell?: (result: unknown) => void,
];

export const newId = createUuidV7(browserClock.now, (words) => crypto.getRandomValues(words));

type Calls = Pick<Tracker, EventType>;

/** The six calls of a tracker, all done in one way. A function among the arguments is called back when that is done. */
export function createCalls(call: (type: EventType, given: readonly unknown[]) => Promise<Receipt>): Calls {
  const calls = EVENT_TYPES.map((type) => {
    const act = (...given: readonly unknown[]): Promise<Receipt> => {
      const callback = given.find((value) => typeof value === 'function');
      if (callback) setTimeout(callback as () => void);
      return call(type, given);
    };
    return [type, act] as const;
  });
  return Object.fromEntries(calls) as unknown as Calls;
}

/** Records from the start: nobody is asked. */
export type ConsentedTracker = Omit<Tracker, 'consent'>;

/** A tracker, and what lies behind it. */
export interface Opened {
  readonly tracker: ConsentedTracker;
  /** Makes a call, as of another moment where one is given. */
  readonly call: (type: EventType, given: readonly unknown[], at?: Moment) => Promise<Receipt>;
  readonly queue: Queue;
  readonly database: Database;
  readonly tell: Tell;
  /** Lets go of the page without another word. */
  readonly stop: () => void;
}

/** What stands in for the tracker's own. */
export interface OpenEdges {
  readonly subscriptions?: Subscriptions;
  /** localStorage, unless nothing may be kept there. */
  readonly area?: () => Storage | false;
  /** Keeps who the visitor is. */
  readonly identity?: Pick<IdentityEdges, 'cookie'> & Partial<Pick<IdentityEdges, 'local'>>;
}

/** Starts tracking with complete settings, which nobody checks any more. */
export function openTracker(
  settings: EssentialSettings,
  { subscriptions = createSubscriptions(), area = () => localStorage, identity: kept }: OpenEdges = {},
): Opened {
  const { on, of, emit } = subscriptions;
  const { expect, tell } = createReceipts(emit);
  const local = createLocalStore(area);
  const prefix = `${settings.namespace}.`;
  const cookie = createCookie(`${settings.namespace}_id`, settings.cookieDomain);
  const identity = createIdentityStore({ local, cookie, ...kept, prefix, newId });
  const { queue, database, sender } = openPipeline(settings, local, { tell, emit });
  const life = new AbortController();
  let settlePageView = (): void => undefined;

  const record = (type: EventType, given: readonly unknown[], moment: OwnMoment): void => {
    const { messageId } = moment;
    if (life.signal.aborted) return tell(messageId, 'closed');
    const made = createOwnEvent(identity, readCall(type, given), moment);
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
  const call: Opened['call'] = (type, given, at) => {
    // IDs tell the order: a view that is due has an earlier one.
    settlePageView();
    return new Promise((resolve) => {
      const messageId = newId();
      expect(messageId, resolve);
      try {
        record(type, given, { messageId, ...at });
      } catch (error) {
        // Whatever a page has done to its globals, or hands over: its own code goes on.
        tell(
          messageId,
          'failed',
          attempt(() => String(error)),
        );
      }
    });
  };
  const onHide = (): void => (settlePageView(), sender.sendOwn());
  const onLeave = (): void => (onHide(), sender.pause());
  followLifecycle({ onHide, onLeave, onReturn: sender.resume, onWake: sender.wake }, life.signal);

  const tracker: ConsentedTracker = {
    ...createCalls(call),
    reset: () => (settlePageView(), life.signal.aborted || (identity.reset(), emit('forget'))),
    flush: () => (settlePageView(), sender.flush()),
    close: () => (onLeave(), life.abort()),
    use: (plugin) => on('plugin', plugin),
    on,
    ready: Promise.resolve(),
    anonymousId: identity.anonymousId,
    user: identity.user,
    session: () => ({ id: identity.sessionId(browserClock.now()) }),
  };
  if (settings.autoPage) {
    settlePageView = followPageViews(readContext, () => void tracker.page(), life.signal);
  }
  const stop = (): void => (sender.pause(), life.abort());
  return { tracker, call, queue, database, tell, stop };
}

/** Does what a page called before it had a tracker. */
export function doEarlyCalls(
  { tracker, call }: Pick<Opened, 'tracker' | 'call'>,
  earlyCalls: readonly EarlyCall[],
): void {
  for (const [method, given, at, told] of earlyCalls) {
    const isEvent = EVENT_TYPES.includes(method as EventType);
    // What is no method, or fails, is the page's own mistake.
    attempt(() => {
      told?.(
        isEvent
          ? call(method as EventType, given, { at })
          : tracker[method as 'on'](...(given as Parameters<Tracker['on']>)),
      );
    });
  }
}

/** When and where a call was made; now and here, where that is not given. */
export interface Moment {
  /** In milliseconds since 1970. */
  readonly at?: number | undefined;
  readonly page?: Properties;
}

interface OwnMoment extends Moment {
  readonly messageId: string;
}

/** Makes an event of a call. */
function createOwnEvent(
  identity: IdentityStore,
  call: Call,
  { messageId, at, page = readContext() }: OwnMoment,
): WireEvent {
  const now = browserClock.now();
  return createEvent(call, {
    messageId,
    timestamp: new Date(at ?? now).toJSON(),
    anonymousId: identity.anonymousId(),
    userId: identity.user().userId,
    context: {
      ...page,
      library: { name: '@throughline/sdk', version },
      sessionId: identity.sessionId(now),
    },
  });
}

/** Where events go once they are made. */
function openPipeline(
  settings: EssentialSettings,
  local: LocalStore,
  { tell, emit }: { readonly tell: Tell; readonly emit: Subscriptions['emit'] },
): {
  readonly queue: Queue;
  readonly database: Database;
  readonly sender: Sender;
} {
  const { namespace, writeKey, fetch } = settings;
  const prefix = `${namespace}.${writeKey}.`;
  const clock = browserClock;
  const tab = newId().slice(-12);
  const journal = openJournal(local, prefix, clock.now);
  const lockEdges = { tab, prefix, local, clock };
  const locks = navigator.locks ? createWebLocks(navigator.locks, lockEdges) : createLeaseLocks(lockEdges);
  const database = openDatabase(prefix + 'events', clock);
  const queue = createQueue({
    tab,
    journal,
    database,
    now: clock.now,
    findLive: locks.findLive,
    tell,
  });
  const url = routeUrl(settings, 'batch');
  const sender = createSender({
    ...settings,
    queue,
    journal,
    clock,
    tell,
    onError: (error) => emit('error', error),
    transport: createTransport({ fetch, url, clock, journal }),
    ...locks,
    random: Math.random,
    isOnline: () => navigator.onLine,
  });
  return { queue, database, sender };
}
