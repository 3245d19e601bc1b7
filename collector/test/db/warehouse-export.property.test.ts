import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { normaliseBatch } from '../../src/core/event';
import { changeWorkspace } from '../../src/db/connect';
import { openFolderTarget } from '../../src/export/folder-target';
import { runExport } from '../../src/export/run-export';
import { expectWhole, makeWarehouse } from '../support/warehouse';
import { openWriting, SOURCE_ID } from '../support/writing';

const RUNS = 8;
const SENDERS = 6;
/** How long a request may have been on its way, by a clock that may be wrong by as much. */
const LATE_MS = 3_000;

it('each stored event is in exactly one file, however late it is written, while exports follow each other', async () => {
  const writing = await openWriting({ writers: 3, groupMaxEvents: 20 });
  const warehouse = makeWarehouse();
  const workspaceId = randomUUID();
  await changeWorkspace(writing.db, workspaceId, (transaction) =>
    transaction.insertInto('workspace').values({ workspace_id: workspaceId, name: 'Late' }).execute(),
  );
  const stored: string[] = [];
  let [sent, runs] = [0, 0];
  async function send(): Promise<void> {
    while (runs < RUNS) {
      sent += 1;
      const receivedAt = Date.now() - Math.floor(Math.random() * LATE_MS);
      const items = Array.from({ length: 1 + (sent % 5) }, () => ({
        ...{ type: 'page', messageId: randomUUID(), anonymousId: `device-${sent % 7}` },
        ...(sent % 4 === 0 ? { type: 'identify', userId: `user-${sent % 3}` } : {}),
      }));
      const verdicts = await writing.ingest.submit({
        ...{ workspaceId, currency: 'USD', sourceId: SOURCE_ID, receivedAt, bytes: 1, items },
        normalised: normaliseBatch(items, {
          ...{ workspaceId, sourceId: SOURCE_ID, receivedAt, sentAt: null, oldest: null, context: null },
          newMessageId: randomUUID,
        }),
      });
      stored.push(...verdicts.map(({ messageId }) => messageId!));
    }
  }
  const exportNow = async () => {
    const target = await openFolderTarget(warehouse.folder);
    const { manifest } = await runExport({
      ...{
        db: writing.db,
        target,
        now: () => new Date(),
        mayGoOn: () => undefined,
        onProgress: () => undefined,
      },
      // Up to this very moment: whoever is writing is in the way.
      ...{ lagMs: 0, maxRowsInFile: 100 },
      order: { workspaceId, format: 'ndjson', tables: ['events'] },
    });
    await target.close();
    return manifest;
  };

  const sending = Promise.all(Array.from({ length: SENDERS }, send));
  for (; runs < RUNS; runs += 1) await exportNow();
  await sending;
  const last = await exportNow();

  const rows = warehouse.rows('events');
  const exported = rows.map((row) => row['message_id']).sort();
  expect(new Set(exported).size).toBe(exported.length);
  // What was received in the very millisecond in which the last one began is left to the next.
  const later = await changeWorkspace(writing.db, workspaceId, (transaction) =>
    sql<{ id: string; received_at: Date }>`select message_id as id, received_at from event`.execute(
      transaction,
    ),
  );
  const until = new Date(last.events!.until);
  const due = later.rows.filter(({ received_at }) => received_at < until).map(({ id }) => id);
  expect(later.rows.map(({ id }) => id).sort()).toEqual([...stored].sort());
  expect(exported).toEqual(due.sort());
  expect(due.length).toBeGreaterThan(stored.length - 50);
  for (const { run, events } of warehouse.manifests()) {
    for (const { received_at } of warehouse.rows('events', run)) {
      const isIn =
        (events!.from === null || String(received_at) >= events!.from) && String(received_at) < events!.until;
      expect([run, received_at, isIn]).toEqual([run, received_at, true]);
    }
  }
  expectWhole(warehouse);
  warehouse.remove();
  await writing.close();
}, 300_000);
