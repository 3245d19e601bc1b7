import {
  byTime,
  createEntry,
  findOverflow,
  MAX_BATCH_BYTES,
  MAX_EVENT_BYTES,
  MAX_WAITING_BYTES,
  MAX_WAITING_EVENTS,
  parseEntryName,
  takeBatch,
} from '../core/batch';
import type { Entry } from '../core/batch';
import type { DropReason } from '../options';
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
  /** Those of them that are not on their way, oldest first. */
  idle(): readonly StoredEvent[];
  /**
   * The next batch, oldest first, of this page's events and of those whose page is gone, none of them on its
   * way; `lookAgainMs` says when some that are on their way from a page that is gone may be taken after all.
   */
  take(maxEvents: number): Promise<{ readonly batch: readonly StoredEvent[]; readonly lookAgainMs: number }>;
  /** The collector has said what became of them: they leave every store. */
  settle(entries: readonly Entry[]): Promise<void>;
  /** After a freeze: forget what other pages have sent meanwhile. */
  reconcile(): Promise<void>;
}

export interface QueueEdges {
  readonly tab: string;
  readonly journal: Journal;
  readonly database: Database;
  readonly now: () => number;
  readonly findLive: Locks['findLive'];
  readonly onDrop: (count: number, reason: DropReason) => void;
}

/**
 * An event of a live page is sent by that page alone, from memory; the stores are for when it is gone. So two
 * pages never send the same event, and a page that is being left knows what it still owes without asking.
 */
export function createQueue(edges: QueueEdges): Queue {
  const { tab, journal, database } = edges;
  const own = new Map<string, StoredEvent>();
  /** What IndexedDB has not been asked to keep, or has refused. */
  let fresh: StoredEvent[] = [];
  let ownBytes = 0;

  const drain = async (): Promise<void> => {
    const events = fresh.filter((event) => own.has(event.name));
    fresh = [];
    if (events.length === 0) return;
    if (await database.put(events)) {
      journal.erase(events);
    } else {
      fresh.push(...events);
    }
  };
  const settle = async (entries: readonly Entry[]): Promise<void> => {
    for (const { name, bytes } of entries) {
      if (own.delete(name)) ownBytes -= bytes;
    }
    journal.erase(entries);
    if (entries.length > 0) await database.remove(entries.map(({ name }) => name));
  };
  /** Drops what is too old or too much, and returns the rest. */
  const bound = async <E extends Entry>(entries: readonly E[]): Promise<readonly E[]> => {
    const overflow = findOverflow(entries, edges.now());
    overflow.forEach((reason) => edges.onDrop(1, reason));
    await settle([...overflow.keys()]);
    return entries.filter((entry) => !overflow.has(entry));
  };

  return {
    count: () => own.size,
    idle: () => {
      const flights = journal.flights();
      return [...own.values()].filter(({ id }) => !flights.has(id));
    },
    settle,
    add: (id, json) => {
      const bytes = new TextEncoder().encode(json).length;
      if (bytes > MAX_EVENT_BYTES) return edges.onDrop(1, 'too-large');
      const event = { ...createEntry(id, tab, bytes), json };
      own.set(event.name, event);
      ownBytes += bytes;
      fresh.push(event);
      journal.write(event.name, json);
      // Everything that is recorded in this tick goes into one transaction.
      queueMicrotask(() => void drain());
      if (own.size > MAX_WAITING_EVENTS || ownBytes > MAX_WAITING_BYTES) void bound([...own.values()]);
    },
    take: async (maxEvents) => {
      await drain();
      const orphans = await findOrphans(edges);
      const all = await bound([...own.values(), ...orphans].sort(byTime));
      const flights = journal.flights();
      const idle = all.filter(({ id }) => !flights.has(id));
      return {
        batch: await readEvents(takeBatch(idle, maxEvents, MAX_BATCH_BYTES), edges),
        lookAgainMs: Math.min(...orphans.map(({ id }) => flights.get(id) ?? Infinity)),
      };
    },
    reconcile: async () => {
      const isAsked = (event: StoredEvent): boolean => !fresh.includes(event);
      // Only of what IndexedDB was asked to keep before this question does the answer tell anything.
      const asked = [...own.values()].filter(isAsked);
      const stored = await database.names();
      if (!stored) return;
      const names = new Set([...stored, ...journal.names()]);
      await settle(asked.filter((event) => isAsked(event) && !names.has(event.name)));
    },
  };
}

/** The entries of pages that are gone. */
async function findOrphans({ tab, journal, database, findLive }: QueueEdges): Promise<readonly Entry[]> {
  const names = new Set([...journal.names(), ...((await database.names()) ?? [])]);
  const foreign = [...names]
    .flatMap((name) => parseEntryName(name) ?? [])
    .filter((entry) => entry.tab !== tab);
  if (foreign.length === 0) return foreign;
  const isLive = await findLive();
  return foreign.filter((entry) => !isLive(entry.tab));
}

/** Adds the texts, from memory, the journal or the database; what has none was deleted meanwhile. */
async function readEvents(
  entries: ReadonlyArray<Entry & Partial<StoredEvent>>,
  { journal, database }: QueueEdges,
): Promise<readonly StoredEvent[]> {
  const texts = entries.map(({ name, json }) => json ?? journal.read(name) ?? database.read(name));
  const events = await Promise.all(texts);
  return entries.flatMap((entry, index) => {
    const json = events[index];
    return typeof json === 'string' ? { ...entry, json } : [];
  });
}
