import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { inSnapshot } from '../../src/db/connect';
import { EVERYTHING, readTimeline } from '../../src/db/timeline';
import { openWriting, type Writing } from '../support/writing';

/** A pooler may answer each transaction from another server connection, which has other prepared statements, or none. */
describe('behind a pooler that does not keep prepared statements', () => {
  const workspaceId = randomUUID();
  let writing: Writing;
  beforeEach(async () => {
    writing = await openWriting({ writers: 1, connections: 1 });
  });
  afterEach(() => writing.close());

  const visit = () => ({ type: 'page', anonymousId: 'visitor', messageId: randomUUID() });
  const statuses = async (items: readonly unknown[]) =>
    (await writing.send(workspaceId, items)).map(({ status }) => status);

  async function preparedNames(): Promise<string[]> {
    const { rows } = await writing.pool.query<{ name: string }>(
      `select name from pg_prepared_statements where name <> ''`,
    );
    return rows.map(({ name }) => name);
  }

  it('an event is stored all the same when the server has forgotten them', async () => {
    expect(await statuses([visit()])).toEqual(['accepted']);
    expect((await preparedNames()).length).toBeGreaterThan(5);
    await writing.pool.query('deallocate all');
    expect(await statuses([visit()])).toEqual(['accepted']);
    expect(await statuses([visit()])).toEqual(['accepted']);
    expect(await preparedNames()).toEqual([]);
  });

  it('an event is stored all the same when the server knows them already', async () => {
    expect(await statuses([visit()])).toEqual(['accepted']);
    const names = await preparedNames();
    await writing.close();
    writing = await openWriting({ writers: 1, connections: 1 });
    for (const name of names) await writing.pool.query(`prepare ${name} as select 1`);
    expect(await statuses([visit()])).toEqual(['accepted']);
  });

  it('a timeline is read all the same, and once it was forgotten nothing is prepared any more', async () => {
    await writing.send(workspaceId, [{ ...visit(), anonymousId: 'reader' }]);
    const profileId = subjectIdOf(workspaceId, { kind: 'anonymous', value: 'reader' });
    const query = { profileId, order: 'newest', from: null, to: null, after: null } as const;
    const rest = { filter: EVERYTHING, limit: 10, hasContext: false };
    const countRead = async () => {
      const { events } = await inSnapshot(writing.db, workspaceId, (transaction) =>
        readTimeline(transaction, workspaceId, { ...query, ...rest }),
      );
      return events.length;
    };
    await writing.pool.query('deallocate all');
    expect(await countRead()).toBe(1);
    expect((await preparedNames()).length).toBe(3);
    await writing.pool.query('deallocate all');
    expect(await countRead()).toBe(1);
    expect(await countRead()).toBe(1);
    expect(await preparedNames()).toEqual([]);
  });
});
