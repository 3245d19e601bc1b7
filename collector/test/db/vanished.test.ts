import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnavailable } from '../../src/db/availability';
import { type OpenedDatabase, openDatabase } from '../../src/db/connect';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { openProxy, type Proxy } from '../support/proxy';

describe('a database whose machine vanishes without a word', () => {
  let database: TestDatabase;
  let proxy: Proxy;
  let opened: OpenedDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    proxy = await openProxy(database.url);
    opened = openDatabase(proxy.url, {
      max: 1,
      applicationName: 'throughline-test',
      pipeline: true,
      answerTimeoutMs: 1_000,
    });
  });
  afterAll(async () => {
    await opened.close();
    await proxy.close();
    await database.close();
  });

  it('is given up as unavailable, and asked again over a new connection', async () => {
    const client = await opened.pool.connect();
    proxy.setSilent(true);
    const answers = await Promise.allSettled([client.query('select 1'), client.query('select 2')]);
    client.release(true);
    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [answer.reason as unknown] : [],
    );
    expect(failures.map(isUnavailable)).toEqual([true, true]);
    proxy.setSilent(false);
    expect((await opened.pool.query<{ n: number }>('select 3 as n')).rows).toEqual([{ n: 3 }]);
  });
});
