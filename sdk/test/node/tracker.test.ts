// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTracker } from '../../src/node/tracker';
import type { NodeTracker, NodeTrackerOptions } from '../../src/node/tracker';
import { accept, answer, openServer, refuse } from './server';
import type { FailingServer } from './server';

let server: FailingServer;
const trackers: NodeTracker[] = [];

beforeEach(async () => {
  server = await openServer();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const tracker of trackers.splice(0)) await tracker.close({ timeoutMs: 0 });
  await server.close();
});

function open(options: Partial<NodeTrackerOptions> = {}) {
  const onDrop = vi.fn();
  const onError = vi.fn();
  const tracker = createTracker({ writeKey: 'pk_test', host: `${server.url}/`, onDrop, onError, ...options });
  trackers.push(tracker);
  return { tracker, onDrop, onError };
}

/** The indices of events that were tracked by `trackMany`, request by request. */
const sent = (): unknown[][] =>
  server.requests.map(({ events }) => events.map(({ properties }) => (properties as { n: number }).n));
const trackMany = (tracker: NodeTracker, count: number) =>
  Array.from({ length: count }, (_, n) => tracker.track({ userId: 'u1', event: 'Paid', properties: { n } }));

test('calls that are made together travel together, each as Segment has it, under the key', async () => {
  const { tracker } = open();
  const at = new Date('2026-03-01T10:00:00.000Z');
  const receipts = await Promise.all([
    tracker.track({
      userId: 42,
      event: 'Paid',
      properties: { total: 9n },
      timestamp: at,
      messageId: 'paid-1',
    }),
    tracker.identify({ userId: 'u1', anonymousId: 'a1', traits: { plan: 'pro' }, context: { ip: '::1' } }),
    tracker.page({ anonymousId: 'a1', category: 'Docs', name: 'Install', properties: { tab: 1 } }),
    tracker.screen({ anonymousId: 'a1', name: 'Home' }),
    tracker.group({ userId: 'u1', groupId: 'g1', traits: { seats: 3 } }),
    tracker.alias({ userId: 'u1', previousId: 'a0' }),
  ]);
  expect(server.requests).toMatchObject([
    {
      path: '/v1/batch',
      authorization: `Basic ${btoa('pk_test:')}`,
      events: [
        { type: 'track', userId: '42', event: 'Paid', properties: { total: '9' }, messageId: 'paid-1' },
        {
          type: 'identify',
          userId: 'u1',
          anonymousId: 'a1',
          traits: { plan: 'pro' },
          context: { ip: '::1' },
        },
        { type: 'page', name: 'Install', properties: { name: 'Install', category: 'Docs', tab: 1 } },
        { type: 'screen', name: 'Home' },
        { type: 'group', groupId: 'g1', traits: { seats: 3 } },
        { type: 'alias', userId: 'u1', previousId: 'a0' },
      ],
    },
  ]);
  const [track, identify] = server.requests[0]!.events;
  expect(track).toMatchObject({ timestamp: at.toISOString(), context: { channel: 'server' } });
  expect(track).not.toHaveProperty('anonymousId');
  expect(identify!.messageId).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/);
  expect(receipts[0]).toEqual({ status: 'accepted', messageId: 'paid-1' });
  expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['accepted']));
});

test('what is passed is copied at the call, and nothing that is passed makes it throw', async () => {
  const { tracker, onDrop } = open();
  const properties = { n: 1 };
  void tracker.track({ userId: 'u1', event: 'Paid', properties });
  properties.n = 2;
  const broken = {
    get userId(): string {
      throw new Error('broken');
    },
    event: 'Paid',
  };
  expect(await tracker.track(broken)).toMatchObject({ status: 'dropped', reason: 'failed' });
  expect(await tracker.track(undefined as never)).toMatchObject({ status: 'dropped', reason: 'failed' });
  const huge = { userId: 'u1', event: 'Paid', properties: { list: Array(40).fill('x'.repeat(1_000)) } };
  expect(await tracker.track(huge)).toMatchObject({ status: 'dropped', reason: 'too-large' });
  expect(await tracker.flush()).toBe(true);
  expect(sent()).toEqual([[1]]);
  expect(onDrop.mock.calls.map(([, reason]) => reason)).toEqual(['failed', 'failed', 'too-large']);
});

test('a collector that fails, is cut off, or has a proxy in its place gets everything later, in order', async () => {
  // Back-offs of 50, 100, 200 and 400 ms.
  vi.spyOn(Math, 'random').mockReturnValue(0.05);
  const { tracker, onDrop, onError } = open({ flushAt: 500 });
  server.setReply((request, response, index) => {
    if (index === 0) response.destroy();
    else if (index === 1)
      answer(response, 200, { body: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } });
    else if (index === 2) answer(response, 400, { body: 'Bad request' });
    else if (index === 3) refuse(response, 500);
    else accept(request, response);
  });
  const receipts = trackMany(tracker, 20);
  expect(await tracker.flush({ timeoutMs: 60_000 })).toBe(true);
  const all = Array.from({ length: 20 }, (_, n) => n);
  expect(sent()[0]).toEqual(all);
  expect(sent().slice(4).flat()).toEqual(all);
  expect(new Set((await Promise.all(receipts)).map(({ status }) => status))).toEqual(new Set(['accepted']));
  expect(onDrop).not.toHaveBeenCalled();
  expect(onError).toHaveBeenCalled();
});

test('an event that something on the way does not let through holds up no other', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  const { tracker, onDrop } = open();
  server.setReply((request, response) => {
    const isBlocked = request.events.some(({ properties }) => (properties as { n: number }).n === 1);
    if (isBlocked) answer(response, 403, { body: '<h1>Blocked</h1>' });
    else accept(request, response);
  });
  const [first, blocked, ...later] = trackMany(tracker, 6);
  const receipts = await Promise.all([first, ...later]);
  expect(receipts.map((receipt) => receipt?.status)).toEqual(Array(5).fill('accepted'));
  expect(await tracker.flush({ timeoutMs: 10 })).toBe(false);
  expect(onDrop).not.toHaveBeenCalled();
  server.setReply(accept);
  expect(await blocked).toMatchObject({ status: 'accepted' });
});

test('while the collector wants quiet, nothing is sent, and a flush does not wait for longer than it may', async () => {
  const { tracker } = open();
  server.setReply((_request, response) => refuse(response, 503, { 'retry-after': '3600' }));
  const receipts = trackMany(tracker, 2);
  expect(await tracker.flush({ timeoutMs: 60_000 })).toBe(false);
  void trackMany(tracker, 200);
  expect(await tracker.flush({ timeoutMs: 60_000 })).toBe(false);
  expect(server.requests).toHaveLength(1);
  await tracker.close();
  expect(await receipts[0]).toMatchObject({ status: 'dropped', reason: 'closed' });
});

test('after a short Retry-After it is sent by itself', async () => {
  const { tracker } = open();
  server.setReply((request, response, index) =>
    index === 0 ? refuse(response, 429, { 'retry-after': '1' }) : accept(request, response),
  );
  expect(await tracker.track({ userId: 'u1', event: 'Paid' })).toMatchObject({ status: 'accepted' });
  expect(server.requests).toHaveLength(2);
});

test('one event that makes requests fail with 400 is found by halving, and dropped alone', async () => {
  const { tracker, onDrop } = open();
  server.setReply((request, response) => {
    const isPoisoned = request.events.some(({ properties }) => (properties as { n: number }).n === 7);
    if (isPoisoned) refuse(response, 400);
    else accept(request, response);
  });
  const receipts = await Promise.all(trackMany(tracker, 12));
  const lost = receipts.flatMap(({ status }, n) => (status === 'accepted' ? [] : [n]));
  expect(lost).toEqual([7]);
  expect(onDrop.mock.calls).toEqual([[1, 'refused', undefined]]);
});

test('batches that are too large are halved until they are taken', async () => {
  const { tracker, onDrop } = open();
  server.setReply((request, response) =>
    request.events.length > 3 ? refuse(response, 413) : accept(request, response),
  );
  const receipts = await Promise.all(trackMany(tracker, 10));
  expect(receipts.every(({ status }) => status === 'accepted')).toBe(true);
  expect(server.requests[0]!.events).toHaveLength(10);
  expect(onDrop).not.toHaveBeenCalled();
});

test('a refused key loses nothing: it is told, events wait, and nobody waits for them', async () => {
  const { tracker, onDrop, onError } = open();
  server.setReply((_request, response) => refuse(response, 401));
  void trackMany(tracker, 3);
  expect(await tracker.flush({ timeoutMs: 60_000 })).toBe(false);
  expect(server.requests).toHaveLength(1);
  expect(onError.mock.calls).toMatchObject([[{ message: 'The collector refuses the key.' }]]);
  expect(onDrop).not.toHaveBeenCalled();
  expect(await tracker.close()).toBe(false);
  expect(onDrop.mock.calls).toEqual([
    [1, 'closed', undefined],
    [1, 'closed', undefined],
    [1, 'closed', undefined],
  ]);
});

test('an event that the collector refuses is told with its reason, the others are stored', async () => {
  const { tracker, onDrop } = open();
  const refusal = { index: 1, messageId: 'x', code: 'no_identity', message: 'Who is it?' };
  server.setReply((_request, response) =>
    answer(response, 200, { body: { accepted: 1, duplicates: 1, rejected: [refusal] } }),
  );
  const told = vi.fn();
  void tracker.track({ userId: 'u1', event: 'Paid' }, told);
  void tracker.track({ userId: '', event: 'Paid', messageId: 'x' }, told);
  void tracker.track({ userId: 'u1', event: 'Paid' }, () => {
    throw new Error('of the caller');
  });
  await tracker.flush();
  expect(told.mock.calls).toMatchObject([
    [undefined, { status: 'accepted' }],
    [{ message: 'no_identity: Who is it?' }, { status: 'rejected', messageId: 'x', reason: 'rejected' }],
  ]);
  expect(onDrop.mock.calls).toEqual([[1, 'rejected', 'no_identity: Who is it?']]);
});

test('an answer that refuses an event without a reason lets nothing go', async () => {
  const { tracker } = open();
  server.setReply((request, response, index) => {
    if (index > 0) accept(request, response);
    else answer(response, 200, { body: { accepted: 0, duplicates: 0, rejected: [null] } });
  });
  expect(await tracker.track({ userId: 'u1', event: 'Paid' })).toMatchObject({ status: 'accepted' });
  expect(server.requests).toHaveLength(2);
});

test('of more than may wait the oldest go, but none that is on its way', async () => {
  const { tracker, onDrop } = open({ maxWaitingEvents: 5, flushAt: 2 });
  let finish = (): void => undefined;
  const isAsked = new Promise<void>((asked) => {
    server.setReply((request, response, index) => {
      finish = () => accept(request, response);
      if (index > 0) finish();
      asked();
    });
  });
  const first = trackMany(tracker, 2);
  await isAsked;
  const later = trackMany(tracker, 6);
  expect(onDrop.mock.calls).toEqual([
    [1, 'queue-full', undefined],
    [1, 'queue-full', undefined],
    [1, 'queue-full', undefined],
  ]);
  finish();
  const statuses = (await Promise.all([...first, ...later])).map(({ status }) => status);
  const [stored, dropped] = ['accepted', 'dropped'];
  expect(statuses).toEqual([stored, stored, dropped, dropped, dropped, stored, stored, stored]);
});

test('closing sends what waits, ends in time where nobody answers, and takes nothing more', async () => {
  const { tracker } = open({ flushAfterMs: 60_000 });
  const receipt = tracker.track({ userId: 'u1', event: 'Paid' });
  expect(await tracker.close()).toBe(true);
  expect(await receipt).toMatchObject({ status: 'accepted' });
  const late = await tracker.track({ userId: 'u1', event: 'Paid' });
  expect(late).toMatchObject({ status: 'dropped', reason: 'closed' });

  const other = open().tracker;
  // Never answers.
  server.setReply(() => undefined);
  const hanging = other.track({ userId: 'u1', event: 'Paid' });
  expect(await other.close({ timeoutMs: 50 })).toBe(false);
  expect(await hanging).toMatchObject({ status: 'dropped', reason: 'closed' });
});

test('bad options are named, all of them', () => {
  const bad = { writeKey: '', host: 'collect.example', flushAt: 501, flushAfterMs: 0.5, colour: 'red' };
  expect(() => createTracker(bad)).toThrow('writeKey, host, flushAfterMs, flushAt, colour');
});

test('calls are checked against the events that are declared, and name somebody', () => {
  const tracker = createTracker<{ Paid: { total: number } }>({ writeKey: 'pk_test', host: server.url });
  trackers.push(tracker as unknown as NodeTracker);
  const never = (): void => {
    void tracker.track({ userId: 'u1', event: 'Paid', properties: { total: 1 } });
    void tracker.identify({ traits: { email: 'ada@example.com' } });
    // @ts-expect-error a property of another type
    void tracker.track({ userId: 'u1', event: 'Paid', properties: { total: '1' } });
    // @ts-expect-error no properties, where some are needed
    void tracker.track({ userId: 'u1', event: 'Paid' });
    // @ts-expect-error an event that is not declared
    void tracker.track({ userId: 'u1', event: 'Piad' });
    // @ts-expect-error nobody
    void tracker.track({ event: 'Paid' });
    // @ts-expect-error nobody
    void tracker.identify({ traits: { plan: 'pro' } });
  };
  expect(never).toBeTypeOf('function');
});
