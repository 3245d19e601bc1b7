import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace, openDatabase, type OpenedDatabase } from '../../src/db/connect';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { openReceiver, type Receiver } from '../support/receiver';

let database: TestDatabase;
let opened: OpenedDatabase;
let receiver: Receiver;
beforeAll(async () => {
  database = await createTestDatabase();
  opened = openDatabase(database.url, { max: 2, applicationName: 'throughline-test' });
  receiver = await openReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await opened?.close();
  await database?.close();
});

const start = (): Promise<StartedCollector> =>
  startCollector({
    env: { DATABASE_URL: database.url, THROUGHLINE_WEBHOOK_ALLOW: new URL(receiver.url).origin },
  });

describe('a process that is killed between sending and noting it', () => {
  it('is followed by one that sends the same, with the same ID', async () => {
    const first = await start();
    const call = async (path: string, body: object) => {
      const response = await fetch(first.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${first.secretKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect([path, response.ok]).toEqual([path, true]);
      return response.json();
    };
    await call('/v1/batch', { batch: [{ type: 'identify', userId: 'ada' }] });
    await call('/v1/audiences', { name: 'List', ids: ['user:ada'] });
    receiver.react = () => first.kill('SIGKILL');
    const { id } = (await call('/v1/destinations', {
      ...{ name: 'To', url: receiver.url, audiences: ['list'] },
    })) as { id: string };
    expect(await first.ended).toBeNull();
    receiver.react = (_seen, response) => void response.writeHead(204).end();
    // Whoever died keeps the others waiting for half a minute; here it is over.
    const { workspace_id: workspaceId } = await opened.db
      .selectFrom('workspace')
      .select('workspace_id')
      .executeTakeFirstOrThrow();
    const { numUpdatedRows } = await changeWorkspace(opened.db, workspaceId, (transaction) =>
      transaction
        .updateTable('destination')
        .set({ leased_until: new Date(0) })
        .where('destination_id', '=', id)
        .where('lease_id', 'is not', null)
        .executeTakeFirst(),
    );
    expect(numUpdatedRows).toBe(1n);
    const second = await start();
    await receiver.has(2);
    const [one, again] = receiver.received as [(typeof receiver.received)[0], (typeof receiver.received)[0]];
    expect([again.id, again.changes]).toEqual([one.id, one.changes]);
    expect(await second.stop()).toBe(0);
    expect(receiver.received).toHaveLength(2);
  });
});
