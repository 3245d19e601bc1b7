/** Our tracker for servers against a collector: what it records is stored once, whatever happens on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTracker } from '../../../sdk/src/node/tracker';
import type { NodeTracker, NodeTrackerOptions } from '../../../sdk/src/node/tracker';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { countStored, keptOf, readStored } from '../support/stored';
import { FAULTS, openWire, type Wire } from '../support/wire';

let api: Api;
let wire: Wire;
let trackers: NodeTracker[] = [];

beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
});
afterAll(() => api.close());
beforeEach(async () => {
  wire = await openWire(api.url);
});
afterEach(async () => {
  for (const tracker of trackers) await tracker.close({ timeoutMs: 0 });
  trackers = [];
  await wire.close();
});

function open(options: Partial<NodeTrackerOptions> = {}): NodeTracker {
  const tracker = createTracker({ writeKey: api.writeKey, host: wire.url, ...options });
  trackers.push(tracker);
  return tracker;
}

it.each(['writeKey', 'secretKey'] as const)('every call is stored in full, with the %s', async (kind) => {
  const tracker = open({ writeKey: api[kind] });
  const userId = `of the ${kind}`;
  const timestamp = new Date(Date.now() - 3_600_000);
  await Promise.all([
    tracker.page({ anonymousId: `a ${kind}`, category: 'Shop', name: 'Mugs', properties: { aisle: 3 } }),
    tracker.identify({ userId, anonymousId: `a ${kind}`, traits: { plan: 'pro' }, timestamp }),
    tracker.track({
      userId,
      event: 'Order Completed',
      properties: { order_id: `o-${kind}`, revenue: 9.5, currency: 'USD' },
      context: { locale: 'de' },
    }),
    tracker.screen({ userId, name: 'Home' }),
    tracker.group({ userId, groupId: 'acme', traits: { seats: 3 } }),
    tracker.alias({ userId, previousId: `before ${kind}` }),
  ]);
  const sent = wire.events();
  const stored = await readStored(api, sent);
  expect(Object.keys(stored)).toHaveLength(6);
  for (const event of sent) expect(stored[event['type'] as string]).toMatchObject(keptOf(event));
  expect(stored['identify']!.occurredAt).toBe(timestamp.toISOString());
  const { body } = await api.get(`/v1/profiles/user:${encodeURIComponent(userId)}`);
  expect(body).toMatchObject({ traits: { plan: 'pro' }, pages: 1, orders: 1, revenue: { USD: '9.5' } });
});

it.each(FAULTS)('an event is stored once where requests %s', async (fault) => {
  const before = await countStored(api);
  wire.breakNext(fault);
  const receipt = await open().track({ userId: 'ada', event: 'Paid' });
  expect(receipt.status).toBe('accepted');
  expect(wire.requests.map(({ status }) => status)).toEqual([503, 200]);
  expect(await countStored(api)).toBe(before + 1);
});

it('an event that is refused says why, and costs no other', async () => {
  const tracker = open();
  const [refused, stored] = await Promise.all([
    tracker.track({ userId: 'undefined', event: 'Paid' }),
    tracker.track({ userId: 'ada', event: 'Paid' }),
  ]);
  expect(refused).toMatchObject({
    status: 'rejected',
    detail: expect.stringMatching(/^no_identity: /) as unknown,
  });
  expect(stored).toMatchObject({ status: 'accepted' });
});

it('a function that ends at once flushes first, and has then been heard', async () => {
  const before = await countStored(api);
  const tracker = open({ flushAfterMs: 60_000 });
  const handle = async (): Promise<string> => {
    void tracker.track({ userId: 'ada', event: 'Paid' });
    void tracker.track({ userId: 'ada', event: 'Shipped' });
    await tracker.flush();
    return 'done';
  };
  expect(await handle()).toBe('done');
  expect(await countStored(api)).toBe(before + 2);
});

it('what a collector did not take before its sender ended is stored by the next one, once', async () => {
  const before = await countStored(api);
  const directory = mkdtempSync(join(tmpdir(), 'throughline-directory-'));
  wire.breakNext('lose the answer');
  const first = open({ directory });
  const receipts = Array.from({ length: 700 }, () => first.track({ userId: 'ada', event: 'Paid' }));
  expect(await first.close({ timeoutMs: 0 })).toBe(false);
  expect(new Set((await Promise.all(receipts)).map(({ status }) => status))).toEqual(new Set(['kept']));
  expect(await open({ directory }).flush({ timeoutMs: 60_000 })).toBe(true);
  expect(await countStored(api)).toBe(before + 700);
  rmSync(directory, { recursive: true });
});
