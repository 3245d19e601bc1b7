import { version } from '../../package.json';
import { attempt } from '../core/attempt';
import { createEvent, readCall, readText } from '../core/event';
import { applyPlugins } from '../core/plugin';
import type { Plugin } from '../core/plugin';
import { createReceipt } from '../core/receipt';
import type { Receipt as PageReceipt } from '../core/receipt';
import { createSubscriptions } from '../core/subscriptions';
import type { Subscriptions } from '../core/subscriptions';
import { createUuidV7 } from '../core/uuid';
import type { EventType, WireEvent } from '../core/wire';
import { argumentsOf } from './calls';
import type { AliasCall, AnyCall, Callback, GroupCall, IdentifyCall, PageCall, TrackCall } from './calls';
import { resolveNodeOptions } from './options';
import type { NodeSettings, NodeTrackerOptions } from './options';
import { createPost } from './post';
import { createQueue } from './queue';
import type { Queue } from './queue';
import type { Receipt, TrackingError } from './receipt';
import { createSender } from './sender';
import type { Sender } from './sender';
import { openSpool } from './spool';

export type { AliasCall, CallDetails, GroupCall, IdentifyCall, PageCall, TrackCall, Who } from './calls';
export type { Plugin } from '../core/plugin';
export type { DropReason } from '../core/receipt';
export type { NodeTrackerOptions } from './options';
export type { Receipt, TrackingError } from './receipt';

/** Events by name with their properties, to have calls checked: `createTracker<{ 'Invoice Paid': {…} }>(…)`. */
export type AnyEvents = Record<string, object>;

/** What a tracker tells of. */
export interface Topics {
  /** The collector has stored an event, also one that a process before left. */
  readonly sent: PageReceipt;
  /** An event was given up. */
  readonly drop: PageReceipt;
  readonly error: TrackingError;
}

/** How long a flush or a close waits where it is not said. */
const PATIENCE_MS = 10_000;
const ADOPT_EVERY_MS = 30_000;

/**
 * The tracker of a server: who it is about is said with each call. Calls return at once and never throw; whoever
 * awaits one learns what became of the event, and no promise ever rejects.
 */
export interface NodeTracker<Events extends object = AnyEvents> {
  track(call: TrackCall<Events>, callback?: Callback): Promise<Receipt>;
  identify(call: IdentifyCall, callback?: Callback): Promise<Receipt>;
  page(call: PageCall, callback?: Callback): Promise<Receipt>;
  screen(call: PageCall, callback?: Callback): Promise<Receipt>;
  group(call: GroupCall, callback?: Callback): Promise<Receipt>;
  alias(call: AliasCall, callback?: Callback): Promise<Receipt>;
  /** Has a plugin see each event from now on; returns its undo. */
  use(plugin: Plugin): () => void;
  /** Tells of what happens; returns its undo. */
  on<Topic extends keyof Topics>(topic: Topic, listener: (what: Topics[Topic]) => unknown): () => void;
  /**
   * Sends what has been recorded so far, again and again where it fails; resolves with whether all of it is settled, at
   * the latest after `timeoutMs` (10 s), and before where the collector wants quiet for longer.
   */
  flush(options?: { readonly timeoutMs?: number }): Promise<boolean>;
  /**
   * Flushes, then ends: later calls are dropped, and what could not be sent is kept in the directory, or dropped where
   * there is none. Resolves with whether everything was settled.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<boolean>;
}

/**
 * Starts tracking from Node 20 or newer. Make one for a process and keep it.
 *
 * @throws TypeError where options are missing, bad or unknown; it names them all
 * @throws Error where the directory cannot be used
 */
export function createTracker<Events extends object = AnyEvents>(
  options: NodeTrackerOptions,
): NodeTracker<Events> {
  const given = resolveNodeOptions(options);
  const { on, of, emit } = createSubscriptions();
  const tell = (receipt: PageReceipt): void => emit(receipt.reason ? 'drop' : 'sent', receipt);
  const newId = createUuidV7(Date.now, (words) => crypto.getRandomValues(words));
  const abort = new AbortController();
  // What closing cuts off is no error.
  const onError = (error: TrackingError): unknown => abort.signal.aborted || emit('error', error);
  const settings = { ...given, onError };
  listenAs(given, on);
  const queue = createQueue({ ...settings, tell, spool: openSpoolOf(settings, newId) });
  const sender = createSender({
    ...settings,
    queue,
    post: createPost(settings, abort.signal),
    random: Math.random,
  });
  const stopAdopting = startAdopting(queue, sender, onError);
  let closing: Promise<boolean> | undefined;

  const record = (type: EventType, call: AnyCall): Promise<Receipt> => {
    const messageId = attempt(() => readText(call['messageId'])) ?? newId();
    return new Promise((conclude) => {
      const drop = (reason: 'closed' | 'failed' | 'plugin', detail?: string): void => {
        const receipt = createReceipt(messageId, reason, detail);
        conclude(receipt);
        tell(receipt);
      };
      if (closing) return drop('closed');
      try {
        const event = applyPlugins(eventOf(type, call, messageId), of('plugin') as readonly Plugin[]);
        if (!event) return drop('plugin');
        queue.add({ messageId, json: JSON.stringify(event), conclude });
        sender.notice();
      } catch (error) {
        drop(
          'failed',
          attempt(() => String(error)),
        );
      }
    });
  };
  const method =
    (type: EventType) =>
    (call: object, callback?: Callback): Promise<Receipt> => {
      const receipt = record(type, call as AnyCall);
      if (callback) void receipt.then((known) => attempt(() => callback(errorOf(known), known)));
      return receipt;
    };
  const close = async (timeoutMs: number): Promise<boolean> => {
    stopAdopting();
    const isSettled = await sender.flush(timeoutMs);
    sender.end();
    abort.abort();
    queue.close();
    return isSettled;
  };

  return {
    track: method('track'),
    identify: method('identify'),
    page: method('page'),
    screen: method('screen'),
    group: method('group'),
    alias: method('alias'),
    use: (plugin) => on('plugin', plugin),
    on,
    flush: ({ timeoutMs = PATIENCE_MS } = {}) => sender.flush(timeoutMs),
    close: ({ timeoutMs = PATIENCE_MS } = {}) => (closing ??= close(timeoutMs)),
  };
}

/** Looks now, and now and then, for what other processes left. */
function startAdopting(queue: Queue, sender: Sender, onError: (error: Error) => unknown): () => void {
  const adopt = (): void => {
    try {
      queue.adopt();
    } catch (error) {
      // A folder that is gone is no reason for the process to end.
      onError(error as Error);
    }
    if (queue.count() > 0) sender.notice();
  };
  const adopting = setInterval(adopt, ADOPT_EVERY_MS);
  adopting.unref();
  adopt();
  return () => clearInterval(adopting);
}

/** The options that are told of something, or asked, are the first to be. */
function listenAs({ plugins, onDrop, onError }: NodeSettings, on: Subscriptions['on']): void {
  plugins.forEach((plugin) => on('plugin', plugin));
  on('drop', ({ reason, detail }: PageReceipt) => onDrop(1, reason!, detail));
  on('error', onError);
}

function openSpoolOf({ directory, host, writeKey, onError }: NodeSettings, newId: () => string) {
  return directory ? openSpool({ directory, target: `${host} ${writeKey}`, newId, onError }) : undefined;
}

function eventOf(type: EventType, call: AnyCall, messageId: string): WireEvent {
  return createEvent(readCall(type, argumentsOf(type, call)), {
    messageId,
    timestamp: new Date().toISOString(),
    anonymousId: readText(call['anonymousId']),
    userId: readText(call['userId']),
    context: { library: { name: '@throughline/sdk', version }, channel: 'server' },
  });
}

function errorOf({ status, reason, detail }: Receipt): Error | undefined {
  const isGood = status === 'accepted' || status === 'kept';
  return isGood ? undefined : new Error(detail ?? reason);
}
