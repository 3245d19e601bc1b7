import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRule } from '../../src/core/rule-check';
import { PreviewTooSlow, previewRule } from '../../src/db/audience-preview';
import { type Answer, type Api, openApi } from '../support/api';
import { blocksOf, readDocument } from '../support/documents';

const EVENTS = 3000;

let api: Api;
beforeAll(async () => {
  api = await openApi();
  const buys = (userId: string, revenue: unknown) => ({
    ...{ type: 'track', userId, event: 'Order Completed', properties: { revenue } },
  });
  await api.batch([
    { type: 'identify', userId: 'ann', traits: { email: 'ann@shop.test', plan: 'pro' } },
    buys('ann', 60),
    buys('ann', 50),
    { type: 'identify', userId: 'bob', traits: { plan: 'pro' } },
    buys('bob', 'oops'),
    buys('bob', 10),
    { type: 'page', anonymousId: 'device-1' },
  ]);
});
afterAll(() => api.close());

const preview = (rule: unknown, more: object = {}): Promise<Answer> =>
  api.call('POST', '/v1/audiences/preview', { body: { rule, ...more } });

const spent = { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 };

describe('a preview of a rule', () => {
  it('counts whom it would find, and each of its clauses, of all profiles', async () => {
    const { status, body } = await preview({ all: [{ trait: 'plan', eq: 'pro' }, { not: spent }] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      sentence:
        'Profiles where the trait “plan” is “pro” and ' +
        '(not: the sum of “revenue” of “Order Completed” in the last 30 days is at least 100).',
      isExact: true,
      profiles: 3,
      looked: 3,
      count: { value: 1, low: 1, high: 1 },
      clauses: [
        { path: 'rule.all[0]', count: { value: 2 }, needs: { traits: ['plan'], usesClock: false } },
        {
          path: 'rule.all[1].not',
          count: { value: 1 },
          needs: { events: ['Order Completed'], usesClock: true },
        },
      ],
      at: api.clock.now.toISOString(),
    });
  });

  it('shows some of them, and what each clause found', async () => {
    const { body } = await preview({
      any: [
        spent,
        { trait: '$last_page', exists: true },
        { trait: '$email', prefix: 'a' },
        { bucket: [0, 100] },
      ],
    });
    const ann = body.sample.find(({ userId }: { userId: string }) => userId === 'ann');
    expect(body.sample).toHaveLength(3);
    expect(ann).toMatchObject({ email: 'ann@shop.test', anonymousId: null });
    expect(ann.why).toEqual([
      { path: 'rule.any[0]', holds: true, value: 110 },
      { path: 'rule.any[1]', holds: false, value: null },
      { path: 'rule.any[2]', holds: true, value: 'ann@shop.test' },
      { path: 'rule.any[3]', holds: true, value: null },
    ]);
  });

  it('is not broken by one text among the numbers', async () => {
    const { body } = await preview({ event: 'Order Completed', agg: 'max', of: 'revenue', lt: 20 });
    expect(body.sample.map(({ userId }: { userId: string }) => userId)).toEqual(['bob']);
    expect(body.sample[0].why[0].value).toBe(10);
  });

  it('answers every rule that the documents show', async () => {
    const examples = blocksOf(readDocument('docs/audiences.md')).filter(({ info }) => info === 'json rule');
    expect(examples.length).toBeGreaterThan(8);
    for (const { text } of examples) {
      const { status, body } = await preview(JSON.parse(text));
      expect([status, body.isExact], text).toEqual([200, true]);
    }
  });

  it('says the same hash for what says the same', async () => {
    const [one, other] = [await preview({ event: 'a', gte: 2 }), await preview({ gte: 2, event: ['a'] })];
    expect(one.body.hash).toMatch(/^[\da-f]{64}$/);
    expect(other.body.hash).toBe(one.body.hash);
    expect(one.body).toMatchObject({ count: { value: 0 }, sample: [] });
  });

  it('stores nothing, and names each fault of a rule that is none', async () => {
    const { status, body } = await preview({ any: [{ event: 'a', within: 'soon' }] });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'invalid_rule', detail: [{ path: 'rule.any[0].within' }] });
    expect((await api.get('/v1/audiences')).body.data).toEqual([]);
  });
});

describe('a rule that takes longer than it may', () => {
  const sequences = Array.from({ length: 10 }, (_, n) => ({
    ...{ event: '*', where: [{ prop: `p${n}`, exists: false }] },
    ...{ then: { event: 'Viewed', within: '1d' }, same: [`s${n}`], gte: 1 },
  }));
  const heavy = { any: [...sequences, { event: 'Viewed' }] };
  const checked = checkRule(heavy);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const request = () => ({ workspaceId: api.workspaceId, rule: checked.rule, now: api.clock.now });

  beforeAll(async () => {
    for (let sent = 0; sent < EVENTS; sent += 500) {
      const views = Array.from({ length: 500 }, (_, n) => ({
        ...{ type: 'track', event: 'Viewed', anonymousId: `visitor-${sent + n}` },
      }));
      expect((await api.batch(views)).body.accepted).toBe(500);
    }
  });

  it('is estimated from as many profiles as there is time for', async () => {
    const found = await previewRule(api.db, { ...request(), timeLimitMs: 60_000, exactTimeLimitMs: 1 });
    expect(found.isExact).toBe(false);
    expect(found.profiles).toBe(EVENTS + 3);
    expect(found.looked).toBeGreaterThanOrEqual(100);
    expect(found.count.low).toBeLessThanOrEqual(EVENTS);
    expect(found.count.high).toBeGreaterThanOrEqual(EVENTS);
    expect(found.clauses).toHaveLength(11);
    expect(found.sample).toHaveLength(20);
  });

  it('is given up where there is time for none', async () => {
    const found = previewRule(api.db, { ...request(), timeLimitMs: 1, exactTimeLimitMs: 1 });
    await expect(found).rejects.toThrow(PreviewTooSlow);
  });
});
