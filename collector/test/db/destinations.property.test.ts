import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { uuidV7 } from '../../src/core/uuid';
import { createDeliveryKeeper, type DeliveryKeeper } from '../../src/delivery/keep-deliveries';
import { createWebhooks } from '../../src/delivery/send-webhook';
import { createLogger } from '../../src/logger';
import { type Api, openApi } from '../support/api';
import { answer, membersBy, openReceiver, type Reaction, type Receiver } from '../support/receiver';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 6);
/** A run may take seconds where the machine is busy. */
vi.setConfig({ testTimeout: 60_000 + RUNS * 30_000 });
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const hangsUp: Reaction = (_seen, response) => response.destroy();
/** Of these only the first says that it took what it was sent; the second took it all the same. */
const MOODS = { takes: answer(204), hangsUp, fails: answer(500), refuses: answer(400), is_gone: answer(410) };
type Mood = keyof typeof MOODS;
/** Whether a receiver in that mood has done what it was told. */
const hasTaken = (mood: Mood): boolean => mood === 'takes' || mood === 'hangsUp';

type Step =
  | { readonly what: 'list'; readonly audience: number; readonly members: readonly number[] }
  | { readonly what: 'mood'; readonly mood: Mood }
  | { readonly what: 'pass'; readonly ms: number }
  | { readonly what: 'state'; readonly state: 'active' | 'paused' }
  | { readonly what: 'size'; readonly batchSize: number }
  | { readonly what: 'replay' }
  | { readonly what: 'erase'; readonly user: number };

const USERS = 4;
const members = fc.uniqueArray(fc.nat(USERS - 1));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('list' as const), audience: fc.nat(1), members }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('mood' as const),
      mood: fc.constantFrom<Mood>('takes', 'takes', 'hangsUp', 'fails', 'refuses', 'is_gone'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('pass' as const),
      ms: fc.constantFrom(MINUTE_MS, HOUR_MS, 25 * HOUR_MS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('state' as const),
      state: fc.constantFrom('active' as const, 'active' as const, 'paused' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('size' as const), batchSize: fc.constantFrom(1, 2, 500) }),
  },
  { weight: 2, arbitrary: fc.constant({ what: 'replay' as const }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('erase' as const), user: fc.nat(USERS - 1) }) },
);

let api: Api;
let keepers: readonly DeliveryKeeper[];
beforeAll(async () => {
  api = await openApi();
  const open = (random: number) =>
    createDeliveryKeeper({
      ...{ db: api.db, now: () => api.clock.now, log: createLogger('silent') },
      webhooks: createWebhooks({ allow: ['http://127.0.0.1:*'] }),
      newId: () => uuidV7(api.clock.now.getTime(), randomBytes(10)),
      random: () => random,
    });
  keepers = [open(0.1), open(0.9)];
});
afterAll(async () => {
  for (const keeper of keepers) await keeper.close();
  await api.close();
});

interface Life {
  readonly receiver: Receiver;
  readonly keys: readonly string[];
  readonly users: readonly string[];
  readonly erased: Set<number>;
  readonly destination: string;
  /** By each request, what it was in the mood for. */
  readonly moods: Mood[];
  mood: Mood;
}

async function call(method: string, path: string, body?: object): Promise<{ status: number; id: string }> {
  const answered = await api.call(method, path, body && { body });
  expect([method, path, answered.status < 300], JSON.stringify(answered.body)).toEqual([method, path, true]);
  return { status: answered.status, id: answered.body?.id as string };
}

async function begin(first: readonly number[]): Promise<Life> {
  const name = randomUUID().slice(0, 8);
  const users = Array.from({ length: USERS }, (_, index) => `u${index}-${name}`);
  const keys = [`one-${name}`, `two-${name}`];
  const receiver = await openReceiver();
  await api.batch(users.map((userId) => ({ type: 'identify', userId })));
  for (const key of keys) {
    const ids = first.map((index) => `user:${users[index]}`);
    await call('POST', '/v1/audiences', { name: key, key, ids });
  }
  const wanted = { name, url: receiver.url, audiences: keys, batchSize: 2 };
  const { id: destination } = await call('POST', '/v1/destinations', wanted);
  const life: Life = {
    ...{ receiver, keys, users, destination, erased: new Set(), moods: [], mood: 'takes' },
  };
  receiver.react = (seen, response) => {
    life.moods.push(life.mood);
    MOODS[life.mood](seen, response);
  };
  return life;
}

async function take(life: Life, step: Step): Promise<void> {
  const { destination, keys, users, erased } = life;
  switch (step.what) {
    case 'list': {
      const ids = step.members.filter((index) => !erased.has(index)).map((index) => `user:${users[index]}`);
      await call('PUT', `/v1/audiences/${keys[step.audience]}/members`, { ids });
      return;
    }
    case 'mood':
      life.mood = step.mood;
      return;
    case 'pass':
      api.clock.now = new Date(api.clock.now.getTime() + step.ms);
      return;
    case 'state':
      await call('PATCH', `/v1/destinations/${destination}`, { state: step.state });
      return;
    case 'size':
      await call('PATCH', `/v1/destinations/${destination}`, { batchSize: step.batchSize });
      return;
    case 'replay':
      await call('POST', `/v1/destinations/${destination}/replay`);
      return;
    case 'erase':
      erased.add(step.user);
      await call('POST', '/v1/regulations', { type: 'delete', ids: [`user:${users[step.user]}`] });
      await api.worker.tick();
  }
}

const work = () => Promise.all(keepers.map((keeper) => keeper.work()));

/** Of a profile and an audience nothing is sent that is older than what was sent before, whatever became of that. */
function expectInOrder({ receiver }: Life): void {
  const last = new Map<string, number>();
  for (const { audience, profileId, id } of receiver.received.flatMap(({ changes }) => changes)) {
    const which = `${audience} ${profileId}`;
    expect(Number(id)).toBeGreaterThanOrEqual(last.get(which) ?? 0);
    last.set(which, Number(id));
  }
}

/** Whoever was erased is named by nothing that was sent after that. */
function expectForgotten({ receiver, users, erased }: Life, from: number): void {
  const later = receiver.received.slice(from).map(({ text }) => text);
  for (const index of erased) expect(later.filter((text) => text.includes(users[index]!))).toEqual([]);
}

async function end(life: Life): Promise<void> {
  life.mood = 'takes';
  await call('PATCH', `/v1/destinations/${life.destination}`, { state: 'active' });
  await call('POST', `/v1/destinations/${life.destination}/replay`);
  api.clock.now = new Date(api.clock.now.getTime() + HOUR_MS);
  await work();
  await work();
}

describe('a destination, whatever its receiver does, however often it is paused, and with two workers', () => {
  it('is told nothing older than it was told before, and in the end knows who the members are', async () => {
    await fc.assert(
      fc.asyncProperty(members, fc.array(step, { minLength: 5, maxLength: 25 }), async (first, steps) => {
        const life = await begin(first);
        for (const each of steps) {
          await take(life, each);
          const sentBefore = life.receiver.received.length;
          await work();
          expectInOrder(life);
          expectForgotten(life, sentBefore);
        }
        await end(life);
        expectInOrder(life);
        // None where nobody ever was a member.
        expect(life.receiver.mostAtOnce()).toBeLessThanOrEqual(1);
        const taken = life.receiver.received.filter((_seen, index) => hasTaken(life.moods[index]!));
        const expected: string[] = [];
        for (const key of life.keys) {
          const { body } = await api.get(`/v1/audiences/${key}/members`);
          expected.push(...body.data.map(({ profileId }: { profileId: string }) => `${key} ${profileId}`));
        }
        expect(membersBy(taken)).toEqual(expected.sort());
        expect((await api.get(`/v1/destinations/${life.destination}`)).body).toMatchObject({
          ...{ waiting: 0, dead: 0 },
        });
        await call('DELETE', `/v1/destinations/${life.destination}`);
        await life.receiver.close();
      }),
      { numRuns: RUNS },
    );
  });
});
