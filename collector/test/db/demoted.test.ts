import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUnavailable } from '../../src/db/availability';
import { openWriting, type Writing } from '../support/writing';

describe('a connection whose server may no longer be written to', () => {
  let writing: Writing;
  beforeAll(async () => {
    writing = await openWriting({ writers: 1, connections: 1 });
  });
  afterAll(() => writing.close());

  it('is given up, so that the same event is stored when it comes again over another one', async () => {
    const workspaceId = randomUUID();
    const visit = { type: 'page', anonymousId: 'visitor', messageId: randomUUID() };
    // As after a failover that left it open: what it is connected to has become a standby.
    await writing.pool.query('set default_transaction_read_only = on');
    const error: unknown = await writing.send(workspaceId, [visit]).catch((thrown: unknown) => thrown);
    expect(isUnavailable(error)).toBe(true);
    expect(await writing.send(workspaceId, [visit])).toMatchObject([{ status: 'accepted' }]);
  });
});
