/**
 * Two writers that meet: each case is two batches that are both under way, held up at the first thing that both must
 * write, and let go together. Whoever comes first, the outcome is the one of the definition.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Identifier, subjectIdOf } from '../../src/core/identifier';
import { aliased, at, bought, looked, signedIn } from '../support/calls';
import { hold, letGo, waiting } from '../support/held-rows';
import { portraitsByDefinition } from '../support/identity-oracle';
import { portraitsStored } from '../support/portraits';
import { countDeadlocks, eventsOf, openWriting, type Writing } from '../support/writing';

let writing: Writing;
/** Each batch is a transaction of its own. */
beforeAll(async () => {
  writing = await openWriting({ writers: 2, groupMaxEvents: 1 });
});
afterAll(() => writing.close());

const sofa = { anonymousId: 'sofa' };
const email = { traits: { email: 'kim@example.com' } };
const visitor: Identifier = { kind: 'anonymous', value: 'sofa' };
const address: Identifier = { kind: 'email', value: 'kim@example.com' };

interface Meeting {
  readonly earlier: readonly object[];
  /** Of whose own part both must write. */
  readonly meetAt: Identifier;
  readonly batches: readonly [readonly object[], readonly object[]];
}

/** Sends both batches while the part is held, and lets go when both wait; the given one of them is the first in the queue. */
async function meet({ earlier, meetAt, batches }: Meeting, first: 0 | 1): Promise<string> {
  const workspaceId = randomUUID();
  if (earlier.length > 0) await writing.send(workspaceId, earlier);
  const held = await hold(
    { writing, workspaceId },
    `insert into profile_part as p (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour)
     values ($1, $2, $2, $3, $3, $3)
     on conflict (workspace_id, owner_id, subject_id) do update set event_count = p.event_count`,
    [workspaceId, subjectIdOf(workspaceId, meetAt), at(0)],
  );
  const one = writing.send(workspaceId, batches[first]);
  await waiting(writing, 1);
  const other = writing.send(workspaceId, batches[1 - first]!);
  await waiting(writing, 2);
  await letGo(held);
  await Promise.all([one, other]);
  expect(await portraitsStored(writing.db, workspaceId)).toEqual(
    portraitsByDefinition(eventsOf(workspaceId, [...earlier, ...batches.flat()])),
  );
  return workspaceId;
}

const bothOrders = [
  ['the first of them first', 0],
  ['the second of them first', 1],
] as const;

const before = looked('before', 0, sofa);

describe.each([
  ['that is new', []],
  ['that is known', [before]],
])('on a browser %s, committed at once by two writers', (_which, earlier) => {
  it.each(bothOrders)('an anonymous event and its identify are one profile, %s', async (_order, first) => {
    const workspaceId = await meet(
      {
        earlier,
        meetAt: visitor,
        batches: [
          [looked('looked', 5, sofa), bought('bought', 6, { ...sofa, revenue: 4.2 })],
          [signedIn('signed in', 10, { userId: 'kim', ...sofa, traits: { plan: 'pro' } })],
        ],
      },
      first,
    );
    expect(await portraitsStored(writing.db, workspaceId)).toMatchObject([
      { id: 'user:kim', events: earlier.length + 3, orders: 1, revenue: { USD: '4.2' } },
    ]);
  });

  it.each(bothOrders)('two identical identifies are one profile, %s', async (_order, first) => {
    const workspaceId = await meet(
      {
        earlier,
        meetAt: { kind: 'user', value: 'kim' },
        batches: [
          [signedIn(randomUUID(), 10, { userId: 'kim', ...sofa, ...email })],
          [signedIn(randomUUID(), 10, { userId: 'kim', ...sofa, ...email })],
        ],
      },
      first,
    );
    expect(await portraitsStored(writing.db, workspaceId)).toMatchObject([
      { id: 'user:kim', events: earlier.length + 2 },
    ]);
  });

  it.each(bothOrders)('the sign-ins of two users divide it, %s', async (_order, first) => {
    const workspaceId = await meet(
      {
        earlier,
        meetAt: visitor,
        batches: [
          [signedIn('kim', 10, { userId: 'kim', ...sofa }), looked('kim looked', 15, sofa)],
          [signedIn('lee', 20, { userId: 'lee', ...sofa }), looked('lee looked', 25, sofa)],
        ],
      },
      first,
    );
    expect(await portraitsStored(writing.db, workspaceId)).toMatchObject([
      { id: 'user:kim', events: earlier.length + 2 },
      { id: 'user:lee', events: 2 },
    ]);
  });
});

describe('an email that finds its user while a browser is being tied to it', () => {
  it.each(bothOrders)('takes the browser along, %s', async (_order, first) => {
    const workspaceId = await meet(
      {
        earlier: [before, looked('opened a mail', 1, email)],
        meetAt: address,
        batches: [
          [signedIn('registered', 20, { userId: 'kim', ...email })],
          [signedIn('subscribed', 10, { ...sofa, ...email }), looked('after', 30, sofa)],
        ],
      },
      first,
    );
    expect(await portraitsStored(writing.db, workspaceId)).toMatchObject([{ id: 'user:kim', events: 5 }]);
  });
});

describe('a sign-in that says again what is known', () => {
  const known = signedIn('first', 10, { userId: 'kim', ...sofa, ...email });
  const again = signedIn('again', 30, { userId: 'kim', ...sofa, ...email });

  it('does not wait for one that says the same and is not committed yet', async () => {
    const workspaceId = randomUUID();
    await writing.send(workspaceId, [known]);
    const ids = [visitor, address].map((identifier) => subjectIdOf(workspaceId, identifier));
    const held = await hold(
      { writing, workspaceId },
      'select from subject where workspace_id = $1 and subject_id = any($2::uuid[]) for share',
      [workspaceId, ids],
    );
    await writing.send(workspaceId, [again]);
    await letGo(held);
    expect(await portraitsStored(writing.db, workspaceId)).toEqual(
      portraitsByDefinition(eventsOf(workspaceId, [known, again])),
    );
  });

  it.each([
    { on: sofa, what: 'browser', order: 'that one first', first: 0, userId: 'kim' },
    { on: sofa, what: 'browser', order: 'the other first', first: 1, userId: 'lea' },
    { on: email, what: 'email', order: 'that one first', first: 0, userId: 'kim' },
    { on: email, what: 'email', order: 'the other first', first: 1, userId: 'lea' },
  ] as const)('and somebody else on the same $what are divided by both, $order', async (its) => {
    await meet(
      {
        earlier: [known, looked('looked', 40, sofa)],
        meetAt: { kind: 'user', value: its.userId },
        batches: [[again], [signedIn('other', 20, { userId: 'lea', ...its.on })]],
      },
      its.first,
    );
  });
});

describe('an alias that names a past in which something still happens', () => {
  it.each(bothOrders)('takes it along, %s', async (_order, first) => {
    const workspaceId = await meet(
      {
        earlier: [before],
        meetAt: visitor,
        batches: [
          [aliased('aliased', 10, { userId: 'kim', previousId: 'sofa' })],
          [looked('looked', 5, sofa)],
        ],
      },
      first,
    );
    expect(await portraitsStored(writing.db, workspaceId)).toMatchObject([{ id: 'user:kim', events: 3 }]);
  });
});

describe('forty visitors whose events and sign-ins are all sent at once', () => {
  it('are forty profiles with every event, and Postgres finds no deadlock', async () => {
    const crowd = await openWriting({ writers: 8, groupMaxEvents: 1 });
    const workspaceId = randomUUID();
    const lives = Array.from({ length: 40 }, (_, index) => {
      const its = { anonymousId: `browser ${index}` };
      return [
        [looked(`look ${index}`, 5, its)],
        [signedIn(`sign-in ${index}`, 10, { userId: `user ${index}`, ...its })],
        [looked(`look again ${index}`, 15, its)],
      ];
    });
    await Promise.all(lives.flat().map((batch) => crowd.send(workspaceId, batch)));
    const portraits = await portraitsStored(crowd.db, workspaceId);
    expect(portraits).toHaveLength(40);
    expect(portraits).toEqual(portraitsByDefinition(eventsOf(workspaceId, lives.flat(2))));
    expect(await countDeadlocks(crowd)).toBe(0);
    await crowd.close();
  });
});
