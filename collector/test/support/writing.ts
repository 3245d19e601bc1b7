/** The write path over a test's database, with the clock in the test's hands. */
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { type NormalEvent, type Normalised, normaliseBatch } from '../../src/core/event';
import { MAX_OWNERS } from '../../src/core/identity';
import { uuidV7 } from '../../src/core/uuid';
import { openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { type Ingest, openIngest, type Verdict } from '../../src/ingest';
import { createIdentityChanges, type IdentityChanges } from '../../src/ingest/change-identity';
import { createTestDatabase } from './database';

export const RECEIVED_AT = Date.parse('2026-06-15T12:00:00.000Z');
export const SOURCE_ID = '11111111-1111-4111-8111-111111111111';

export interface Writing extends OpenedDatabase {
  readonly url: string;
  readonly ingest: Ingest;
  /** What somebody changes by hand. */
  readonly identity: IdentityChanges;
  /** Gives the connections back; only closing is left then. */
  readonly disconnect: () => Promise<void>;
  /** Sends raw items as one batch with a secret key, so that their times are taken as they are. */
  send(workspaceId: string, items: readonly unknown[]): Promise<readonly Verdict[]>;
}

export interface WritingOptions {
  /** @default 2 */
  readonly writers?: number;
  /** 1 makes each batch a group of its own. @default 500 */
  readonly groupMaxEvents?: number;
  /** Of how many owners an anonymous ID is no kiosk yet. @default 50 */
  readonly maxOwners?: number;
  /** @default enough for writers and test */
  readonly connections?: number;
}

export async function openWriting({
  writers = 2,
  groupMaxEvents = 500,
  maxOwners = MAX_OWNERS,
  connections = writers + 6,
}: WritingOptions = {}): Promise<Writing> {
  const database = await createTestDatabase();
  const opened = openDatabase(database.url, {
    max: connections,
    applicationName: 'throughline-test',
    pipeline: true,
  });
  const newId = () => uuidV7(RECEIVED_AT, randomBytes(10));
  const identity = createIdentityChanges({
    pool: opened.pool,
    now: () => new Date(RECEIVED_AT),
    newId,
    maxOwners,
  });
  const ingest = openIngest({
    pool: opened.pool,
    maxOwners,
    groupMaxEvents,
    groupMaxWaitMs: 0,
    writers,
    maxBytesInFlight: 64 * 1024 * 1024,
    monotonic: () => performance.now(),
    newId,
  });
  let isConnected = true;
  const disconnect = async (): Promise<void> => {
    if (isConnected) await opened.close();
    isConnected = false;
  };
  return {
    ...opened,
    url: database.url,
    ingest,
    identity,
    send: (workspaceId, items) =>
      ingest.submit({
        workspaceId,
        currency: 'USD',
        sourceId: SOURCE_ID,
        receivedAt: RECEIVED_AT,
        bytes: 1,
        items,
        normalised: normaliseAll(workspaceId, items),
      }),
    disconnect,
    async close() {
      await ingest.close();
      await disconnect();
      await database.close();
    },
  };
}

export function normaliseAll(workspaceId: string, items: readonly unknown[]): Normalised[] {
  return normaliseBatch(items, {
    workspaceId,
    sourceId: SOURCE_ID,
    receivedAt: RECEIVED_AT,
    sentAt: null,
    oldest: null,
    context: null,
    newMessageId: () => randomUUID(),
  });
}

/** The events of items that must all be good. */
export function eventsOf(workspaceId: string, items: readonly unknown[]): NormalEvent[] {
  return normaliseAll(workspaceId, items).map((result) => {
    if (!result.ok) throw new Error(result.rejection.message);
    return result.event;
  });
}

/** The server's own count, which it has in full once the connections are gone. */
export async function countDeadlocks(writing: Writing): Promise<number> {
  await writing.ingest.close();
  await writing.disconnect();
  const client = new pg.Client(writing.url);
  await client.connect();
  const { rows } = await client.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  await client.end();
  return Number(rows[0]!.deadlocks);
}
