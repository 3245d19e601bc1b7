/** The published Node clients of others, as they are, against a collector: nothing that they send is lost or doubled. */
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runInThisContext } from 'node:vm';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { clientCode } from '../support/client-code';
import { countStored, keptOf, readStored } from '../support/stored';
import { FAULTS, openWire, type Wire } from '../support/wire';

let api: Api;
let wire: Wire;
beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
});
afterAll(() => api.close());
beforeEach(async () => {
  wire = await openWire(api.url);
});
afterEach(() => wire.close());

/** A client, made by the lines of the README. */
function clientOf<T>(name: string, constructor: new (...args: never[]) => T): T {
  const code = clientCode(name, { url: wire.url, writeKey: api.writeKey }).replace(/^import .*$/m, '');
  return (runInThisContext(`(Analytics) => {${code}; return analytics; }`) as (from: unknown) => T)(
    constructor,
  );
}

const TYPES = ['alias', 'group', 'identify', 'page', 'screen', 'track'];
const more = {
  context: { locale: 'de', campaign: { name: 'spring', source: 'letter', medium: 'email' } },
  integrations: { All: false, Ledger: true },
};

/** RudderStack's types know no category of a screen, its documentation does. */
const screen = { category: 'Shop', name: 'Mug', properties: { size: 2 } };

/** What was asked of either client, as it must be stored. */
function expectedOf({
  userId,
  anonymousId,
  library,
}: {
  userId: string;
  anonymousId: string;
  library: string;
}) {
  const context = { ...more.context, integrations: more.integrations, library: { name: library } };
  const who = { userId, anonymousId };
  return {
    identify: { ...who, context, traits: { email: `${userId}@x.test`, plan: 'pro' } },
    track: {
      ...who,
      context,
      name: 'Order Completed',
      properties: { order_id: `of-${userId}`, revenue: 9.5 },
    },
    page: { ...who, context, name: 'Mugs', properties: { category: 'Shop', path: '/mugs' } },
    screen: { ...who, context, name: 'Mug', properties: { category: 'Shop', size: 2 } },
    group: { ...who, context, groupId: 'acme', traits: { seats: 3 } },
    alias: { userId, context, previousId: `${userId}-before` },
  };
}

/** Every event arrived in full, and says the same over HTTP. */
async function expectArrived(expected: ReturnType<typeof expectedOf>): Promise<void> {
  const sent = wire.events();
  const stored = await readStored(api, sent);
  expect(Object.keys(stored).sort()).toEqual(TYPES);
  expect(stored).toMatchObject(expected);
  for (const event of sent) expect(stored[event['type'] as string]).toMatchObject(keptOf(event));

  const { userId } = expected.identify;
  const profile = await api.get(`/v1/profiles/user:${userId}`);
  expect(profile.body).toMatchObject({
    traits: expected.identify.traits,
    events: TYPES.length,
    orders: 1,
    revenue: { USD: '9.5' },
  });
  expect(profile.body.identifiers).toContainEqual(
    expect.objectContaining({ kind: 'anonymous', value: `${userId}-before` }),
  );
  const { body } = await api.get(`/v1/profiles/user:${userId}/timeline?include=context`);
  for (const event of sent) {
    const { messageId, type } = event as { messageId: string; type: keyof typeof expected };
    const shown = body.data.find((candidate: { messageId: string }) => candidate.messageId === messageId);
    expect(shown).toMatchObject({ type, userId, context: expected[type].context });
  }
}

describe('@segment/analytics-node', () => {
  function open() {
    const problems: unknown[] = [];
    const client = clientOf('@segment/analytics-node', Analytics);
    client.on('error', (problem) => problems.push(problem));
    return { client, problems };
  }

  it('brings every call with all its fields', async () => {
    const { client, problems } = open();
    const who = {
      userId: 'ada',
      anonymousId: 'device-of-ada',
      ...more,
      timestamp: new Date(Date.now() - 60_000),
    };
    client.identify({ ...who, traits: { email: 'ada@x.test', plan: 'pro' } });
    client.track({ ...who, event: 'Order Completed', properties: { order_id: 'of-ada', revenue: 9.5 } });
    client.page({ ...who, category: 'Shop', name: 'Mugs', properties: { path: '/mugs' } });
    client.screen({ ...who, ...screen });
    client.group({ ...who, groupId: 'acme', traits: { seats: 3 } });
    client.alias({ userId: 'ada', previousId: 'ada-before', ...more });
    await client.closeAndFlush();

    expect(problems).toEqual([]);
    expect(wire.events()[0]!.messageId).toMatch(/^node-next-\d+-/);
    await expectArrived(
      expectedOf({ userId: 'ada', anonymousId: 'device-of-ada', library: '@segment/analytics-node' }),
    );
  });

  it.each(FAULTS)('delivers once when it must be answered 503: %s', async (fault) => {
    const before = await countStored(api);
    const { client, problems } = open();
    wire.breakNext(fault);
    client.track({ userId: `held-up-${fault}`, event: 'Counted' });
    await client.closeAndFlush({ timeout: 30_000 });

    expect(problems).toEqual([]);
    expect(wire.requests.map(({ status }) => status)).toEqual([503, 200]);
    expect(await countStored(api)).toBe(before + 1);
  });

  it('reports a key that is not known, and does not try for ever', async () => {
    const problems: unknown[] = [];
    const client = new Analytics({ writeKey: 'pk_unknown', host: wire.url });
    client.on('error', (problem) => problems.push(problem));
    client.track({ userId: 'ada', event: 'Counted' });
    await client.closeAndFlush();
    expect(wire.requests.map(({ status }) => status)).toEqual([401]);
    expect(problems).toHaveLength(1);
  });
});

describe('@rudderstack/rudder-sdk-node', () => {
  const open = () => clientOf('@rudderstack/rudder-sdk-node', RudderAnalytics);

  it('brings every call with all its fields, compressed and called a form', async () => {
    const client = open();
    const who = { userId: 'grace', anonymousId: 'device-of-grace', ...more };
    client.identify({ ...who, traits: { email: 'grace@x.test', plan: 'pro' } });
    client.track({
      ...who,
      event: 'Order Completed',
      properties: { order_id: 'of-grace', revenue: 9.5 },
      timestamp: new Date(Date.now() - 60_000),
    });
    client.page({ ...who, category: 'Shop', name: 'Mugs', properties: { path: '/mugs' } });
    client.screen({ ...who, ...screen });
    client.group({ ...who, groupId: 'acme', traits: { seats: 3 } });
    client.alias({ userId: 'grace', previousId: 'grace-before', ...more });
    await client.flush();

    for (const { headers, status } of wire.requests) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'application/x-www-form-urlencoded',
        'content-encoding': 'gzip',
      });
    }
    await expectArrived(
      expectedOf({ userId: 'grace', anonymousId: 'device-of-grace', library: 'analytics-node' }),
    );
  });

  it('sends plain JSON as well', async () => {
    const client = new RudderAnalytics(api.writeKey, { dataPlaneUrl: wire.url, gzip: false });
    client.track({ userId: 'grace', event: 'Plain' });
    await client.flush();
    expect(wire.requests[0]).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect((await readStored(api, wire.events()))['track']).toMatchObject({ name: 'Plain' });
  });

  it.each(FAULTS)('delivers once when it must be answered 503: %s', async (fault) => {
    const before = await countStored(api);
    const client = open();
    wire.breakNext(fault);
    client.track({ userId: `held-up-${fault}`, event: 'Counted' });
    await client.flush();

    expect(wire.requests.map(({ status }) => status)).toEqual([503, 200]);
    expect(await countStored(api)).toBe(before + 1);
  });

  it('reports a key that is not known, and does not try for ever', async () => {
    const problems: Error[] = [];
    const client = new RudderAnalytics('pk_unknown', {
      dataPlaneUrl: wire.url,
      logLevel: 'none',
      errorHandler: (problem: Error) => problems.push(problem),
    });
    client.track({ userId: 'grace', event: 'Counted' });
    await client.flush();
    expect(wire.requests.map(({ status }) => status)).toEqual([401]);
    expect(problems).toHaveLength(1);
  });
});
