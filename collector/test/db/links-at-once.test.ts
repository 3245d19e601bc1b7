import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { make } from '../support/changes';
import { hold, letGo, waiting } from '../support/held-rows';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, RECEIVED_AT, type Writing } from '../support/writing';

const WRITERS = 8;

let writing: Writing;
/** Each batch is a transaction of its own. */
beforeEach(async () => {
  writing = await openWriting({ writers: WRITERS, groupMaxEvents: 1 });
});
afterEach(() => writing.close());

const at = (minute: number): string => new Date(RECEIVED_AT - 86_400_000 + minute * 60_000).toISOString();
const said = (minute: number, item: object) => ({ ...item, messageId: randomUUID(), timestamp: at(minute) });

const LINK = ['user:one', 'user:two'] as const;
const KNOWN = [said(0, { type: 'page', userId: 'one' }), said(0, { type: 'page', userId: 'two' })];

async function expectLinked(workspaceId: string, items: readonly object[]): Promise<void> {
  expect(await portraitsStored(writing.db, workspaceId)).toEqual(
    portraitsByDefinition(eventsOf(workspaceId, items), { links: [LINK] }),
  );
}

describe('a browser that is claimed for a user who is being linked', () => {
  const claimed = [
    said(5, { type: 'page', anonymousId: 'new' }),
    said(10, { type: 'identify', anonymousId: 'new', userId: 'one' }),
  ];
  const ofOne = (workspaceId: string) => subjectIdOf(workspaceId, { kind: 'user', value: 'one' });

  it('goes along when the link has moved the user while the claim was waiting', async () => {
    const workspaceId = randomUUID();
    await writing.send(workspaceId, KNOWN);
    const group = { writing, workspaceId };
    const held = await hold(group, 'select from profile_part where owner_id = $1 for update', [
      ofOne(workspaceId),
    ]);
    const linking = make(writing, workspaceId, { what: 'link', pair: LINK });
    await waiting(writing, 1);
    const claiming = writing.send(workspaceId, claimed);
    await waiting(writing, 2);
    await letGo(held);
    expect(await linking).toBe('changed');
    await claiming;
    await expectLinked(workspaceId, [...KNOWN, ...claimed]);
  });

  it('goes along when the claim was there first, and the link waits for it', async () => {
    const workspaceId = randomUUID();
    await writing.send(workspaceId, KNOWN);
    const group = { writing, workspaceId };
    const held = await hold(group, 'select from profile_part where owner_id = $1 for update', [
      ofOne(workspaceId),
    ]);
    const claiming = writing.send(workspaceId, claimed);
    await waiting(writing, 1);
    const linking = make(writing, workspaceId, { what: 'link', pair: LINK });
    await waiting(writing, 2);
    await letGo(held);
    await claiming;
    expect(await linking).toBe('changed');
    await expectLinked(workspaceId, [...KNOWN, ...claimed]);
  });
});

describe('a user who is linked and unlinked while a hundred browsers are claimed for it, from eight connections', () => {
  it('has all of them in the end, and Postgres finds no deadlock', async () => {
    const workspaceId = randomUUID();
    await writing.send(workspaceId, KNOWN);
    const lives = Array.from({ length: 120 }, (_, index) => [
      said(index, { type: 'page', anonymousId: `a${index}` }),
      said(index + 1, {
        type: 'identify',
        anonymousId: `a${index}`,
        ...(index % 2 === 0 ? { userId: 'one' } : { traits: { email: 'one@x.test' } }),
      }),
      said(index + 2, { type: 'identify', userId: 'one', traits: { email: 'one@x.test' } }),
    ]);
    const streams = Array.from({ length: WRITERS }, (_, stream) =>
      lives.filter((_life, index) => index % WRITERS === stream),
    );
    let isOver = false;
    const changing = async (): Promise<number> => {
      let changes = 0;
      for (let turn = 0; !isOver || turn % 2 === 1; turn += 1) {
        const outcome = await make(writing, workspaceId, {
          what: turn % 2 === 0 ? 'link' : 'unlink',
          pair: LINK,
        });
        if (outcome === 'changed') changes += 1;
      }
      return changes;
    };
    const changed = changing();
    await Promise.all(
      streams.map(async (own) => {
        for (const life of own) await writing.send(workspaceId, life);
      }),
    );
    isOver = true;
    expect(await changed).toBeGreaterThan(2);
    await make(writing, workspaceId, { what: 'link', pair: LINK });
    await expectLinked(workspaceId, [...KNOWN, ...lives.flat()]);
    expect(await countDeadlocks(writing)).toBe(0);
  });
});
