import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_OWNERS } from '../../src/core/identity';
import { subjectIdOf } from '../../src/core/identifier';
import { listChanges } from '../../src/db/audience-feed';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { fenceProfile } from '../../src/regulation/fence-profile';
import { addAudience, keeperOf, readStored } from '../support/audiences-of-test';
import { addWorkspace } from '../support/erasing';
import { openWriting, RECEIVED_AT, type Writing } from '../support/writing';

const now = () => new Date(RECEIVED_AT);

let writing: Writing;
beforeEach(async () => {
  writing = await openWriting();
});
afterEach(() => writing.close());

/** The first step of an erasure and no other one: nothing has taken memberships away yet. */
async function fence(workspaceId: string, user: string): Promise<void> {
  const subjectId = subjectIdOf(workspaceId, { kind: 'user', value: user });
  const fenced = await changeWorkspace(writing.db, workspaceId, (db) =>
    fenceProfile(
      { db, workspaceId },
      { regulationId: randomUUID(), subjectId, now: now(), maxOwners: MAX_OWNERS },
    ),
  );
  expect(fenced?.profileId).toBe(subjectId);
}

describe('an erasure that has only begun', () => {
  it('lets out whom it erases with the next look, by the mark that it wrote itself', async () => {
    const workspaceId = await addWorkspace(writing);
    const buys = (userId: string) => ({
      ...{ type: 'track', event: 'Bought', userId, messageId: randomUUID() },
      timestamp: '2026-06-15T10:00:00.000Z',
    });
    await writing.send(workspaceId, [buys('ann'), buys('bob')]);
    const audience = await addAudience(writing, {
      workspaceId,
      key: 'buyers',
      rule: { event: 'Bought' },
      now,
    });
    const [ann, bob] = ['ann', 'bob'].map((value) => subjectIdOf(workspaceId, { kind: 'user', value }));
    expect((await readStored(writing, audience)).members).toEqual([ann!, bob!].sort());
    await fence(workspaceId, 'ann');
    await keeperOf(writing, now).work();
    expect(await readStored(writing, audience)).toMatchObject({ members: [bob], size: 1, replayed: [bob] });
    const changes = await inWorkspace(writing.db, workspaceId, (transaction) =>
      listChanges(transaction, audience, { after: 2, limit: 10 }),
    );
    expect(changes).toMatchObject([{ change: 'exited', cause: 'event', profileId: ann, userId: null }]);
  });
});
