import {
  findOverflow,
  MAX_BATCH_BYTES,
  MAX_EVENT_BYTES,
  MAX_WAITING_BYTES,
  MAX_WAITING_EVENTS,
  parseEntryName,
  takeBatch,
} from '../core/batch';
import type { Entry } from '../core/batch';
import { timeOfUuidV7 } from '../core/uuid';
import type { Tell } from '../core/receipt';
import type { Database } from './database';
import type { Journal } from './journal';
import type { Locks } from './locks';

/** An entry with its text, ready to go. */
export interface StoredEvent extends Entry {
  /** The event as JSON. */
  readonly json: string;
}

/** What waits: the events of this page, and of pages that are gone. */
export interface Queue {
  /** Stores an event, unless it is too large; then the journal has it, and IndexedDB is being asked. */
  add(id: string, json: string): void;
  /** How many events of this page wait. */
  count(): number;
  /** Whether stores have events of this page, or are to have them: others must not take them for left behind. */
  isOwing(): boolean;
  /** Those of them that are not on their way, oldest first. */
  idle(): readonly StoredEvent[];
  /**
   * The next batch, oldest first, of this page's events and of those whose page is gone, none of them on its
   * way; and whether pages that seem to be gone left others: on their way, so that nobody will hear the answer, or too
   * young to be sure of.
   */
  take(maxEvents: number): Promise<{ readonly batch: readonly StoredEvent[]; readonly hasLost: boolean }>;
  /** The collector has said what became of them: they leave every store. */
  settle(entries: readonly Entry[]): Promise<void>;
  /** From now on they go last: what waits behind them must not wait for what is wrong with them. */
  postpone(entries: readonly Entry[]): void;
  /** After a freeze: forget what other pages have sent meanwhile. */
  reconcile(): Promise<void>;
}

export interface QueueEdges {
  readonly tab: string;
  readonly journal: Journal;
  readonly database: Database;
  readonly now: () => number;
  readonly findLive: Locks['findLive'];
  readonly tell: Tell;
}

/**
 * What a page says of itself may be heard later than what it stores: a browser asks first whether it may have locks. So
 * an event that is younger is left to its page, also where that is not known to live.
 */
const UNHEARD_MS = 1_000;

/**
 * An event of a live page is sent by that page alone, from memory; the stores are for when it is gone. So two
 * pages never send the same event, and a page that is being left knows what it still owes without asking.
 */
export function createQueue(edges: QueueEdges): Queue {
  const { tab, journal, database } = edges;
  const own = new Map<string, StoredEvent>();
  const { keep, keepAll, isAsked } = createStoring(edges, ({ name }) => own.has(name));
  /** Names of what is settled and could not be deleted: not to be sent again, and to be deleted still. */
  const leftovers = new Set<string>();
  const late = new Set<string>();
  let ownBytes = 0;

  const postpone = (entries: readonly Entry[]): void => entries.forEach(({ name }) => late.add(name));
  const settle = async (entries: readonly Entry[]): Promise<void> => {
    for (const { name, bytes } of entries) {
      if (own.delete(name)) ownBytes -= bytes;
      leftovers.add(name);
    }
    journal.erase(entries);
    const names = [...leftovers];
    if (names[0] && (await database.remove(names))) names.forEach((name) => leftovers.delete(name));
  };
  /** Drops what is too old or too much, and returns the rest. */
  const bound = async <E extends Entry>(entries: readonly E[]): Promise<readonly E[]> => {
    const overflow = findOverflow(entries, edges.now());
    overflow.forEach((reason, { id }) => edges.tell(id, reason));
    await settle([...overflow.keys()]);
    return entries.filter((entry) => !overflow.has(entry));
  };

  /** Oldest first, and last those that are late; without those that are on their way, or there already. */
  const lineUp = <E extends Entry>(entries: readonly E[]): readonly E[] => {
    const flights = journal.flights();
    const rank = ({ name }: Entry): string => (late.has(name) ? '~' : '') + name;
    return entries
      .filter(({ name, id, tab: from }) => !flights.has(id) && (from !== tab || own.has(name)))
      .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  };

  return {
    count: () => own.size,
    isOwing: () => own.size + leftovers.size > 0,
    idle: () => lineUp([...own.values()]),
    take: async (maxEvents) => {
      await keepAll();
      const foreign = await findForeign(edges);
      // Before it is asked who lives: what is old enough now was heard of by then, however long the answer takes.
      const now = edges.now();
      // Where that cannot be told, as on a page that is being left, nobody is taken for gone.
      const isLive = await edges.findLive().catch(() => () => true);
      const orphans = foreign.filter(({ name, tab: from }) => !isLive(from) && !leftovers.has(name));
      const free = lineUp(orphans).filter(({ id }) => Math.abs(now - timeOfUuidV7(id)) > UNHEARD_MS);
      const entries = takeBatch(lineUp(await bound([...own.values(), ...free])), maxEvents, MAX_BATCH_BYTES);
      const events = await readEvents(entries, edges);
      // A text that is not there was deleted meanwhile, or cannot be read: others must not wait for it.
      if (events.length < entries.length) postpone(entries);
      // While texts were read, the page may have been hidden: then its own are on their way, or there already.
      return { batch: lineUp(events), hasLost: free.length < orphans.length };
    },
    settle,
    postpone,
    add: (id, json) => {
      const bytes = new TextEncoder().encode(json).length;
      if (bytes > MAX_EVENT_BYTES) return edges.tell(id, 'too-large');
      const event = { name: `${id}.${tab}.${bytes}`, id, tab, bytes, json };
      own.set(event.name, event);
      ownBytes += bytes;
      journal.write(event.name, json);
      keep(event);
      if (own.size > MAX_WAITING_EVENTS || ownBytes > MAX_WAITING_BYTES) void bound([...own.values()]);
    },
    reconcile: async () => {
      // In storage that was cleared meanwhile nothing is to be found, whatever became of it.
      if (!journal.hasMark()) return;
      // Only of what IndexedDB was asked to keep before this question does the answer tell anything.
      const asked = [...own.values()].filter(isAsked);
      const stored = await database.names();
      if (!stored) return;
      const names = new Set([...stored, ...journal.names()]);
      const gone = asked.filter((event) => isAsked(event) && !names.has(event.name));
      gone.forEach(({ id }) => edges.tell(id));
      await settle(gone);
    },
  };
}

/** Gives events to IndexedDB, and erases from the journal what that has. */
function createStoring(
  { journal, database }: QueueEdges,
  isWaiting: (event: StoredEvent) => boolean,
): {
  readonly keep: (event: StoredEvent) => void;
  /** Asks for those, too, that were refused; otherwise they would be asked for again with each event. */
  readonly keepAll: () => Promise<void>;
  /** Whether IndexedDB has it, or is being asked to. */
  readonly isAsked: (event: StoredEvent) => boolean;
} {
  let fresh: StoredEvent[] = [];
  let refused: StoredEvent[] = [];
  const drain = async (): Promise<void> => {
    const events = fresh.filter(isWaiting);
    fresh = [];
    if (!events[0]) return;
    if (await database.put(events)) journal.erase(events);
    else refused.push(...events);
  };
  return {
    keep: (event) => {
      // Everything that is recorded in this tick goes into one transaction.
      if (fresh.push(event) < 2) queueMicrotask(drain);
    },
    keepAll: () => {
      fresh.push(...refused);
      refused = [];
      return drain();
    },
    isAsked: (event) => ![...fresh, ...refused].includes(event),
  };
}

/** The entries of other pages. */
async function findForeign({ tab, journal, database }: QueueEdges): Promise<readonly Entry[]> {
  const names = new Set([...journal.names(), ...((await database.names()) ?? [])]);
  return [...names].flatMap((name) => parseEntryName(name) ?? []).filter((entry) => entry.tab !== tab);
}

/** Adds the texts, from memory, the journal or the database; what has none was deleted meanwhile. */
async function readEvents(
  entries: ReadonlyArray<Entry & Partial<StoredEvent>>,
  { journal, database }: QueueEdges,
): Promise<readonly StoredEvent[]> {
  const read = async (entry: Entry & Partial<StoredEvent>): Promise<Entry & { readonly json: unknown }> => ({
    ...entry,
    json: entry.json ?? journal.read(entry.name) ?? (await database.read(entry.name)),
  });
  const events = await Promise.all(entries.map(read));
  return events.filter((event): event is StoredEvent => typeof event.json === 'string');
}
