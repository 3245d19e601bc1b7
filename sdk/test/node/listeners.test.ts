// @vitest-environment node
/** Who sees events before they are recorded, and who is told of what became of them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTracker } from '../../src/node/tracker';
import type { NodeTracker, NodeTrackerOptions, Plugin, TrackingError } from '../../src/node/tracker';
import { accept, answer, openServer, refuse } from './server';
import type { FailingServer } from './server';

let server: FailingServer;
let trackers: NodeTracker[];

beforeEach(async () => {
  server = await openServer();
  trackers = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const tracker of trackers) await tracker.close({ timeoutMs: 0 });
  await server.close();
});

function open(options: Partial<NodeTrackerOptions> = {}): NodeTracker {
  const tracker = createTracker({ writeKey: 'pk_test', host: server.url, ...options });
  trackers.push(tracker);
  return tracker;
}

test('plugins change events, or keep them back, as in a page; one that breaks lets nothing out', async () => {
  const hideMail: Plugin = (event) => ({ ...event, traits: { ...event.traits, email: '[hidden]' } });
  const onDrop = vi.fn();
  const tracker = open({ onDrop, plugins: [hideMail] });
  const undo = tracker.use((event) => event.userId !== 'staff' && event);
  const kept = tracker.identify({ userId: 'staff', traits: { email: 'staff@example.com' } });
  undo();
  const seen = tracker.identify({ userId: 'ada', traits: { email: 'ada@example.com', plan: 'pro' } });
  const undoBroken = tracker.use(() => {
    throw new Error('no mask');
  });
  const broken = tracker.identify({ userId: 'ada', traits: { email: 'ada@example.com' } });
  undoBroken();
  expect(await kept).toMatchObject({ status: 'dropped', reason: 'plugin' });
  expect(await broken).toMatchObject({ status: 'dropped', reason: 'failed', detail: 'Error: no mask' });
  expect(await seen).toMatchObject({ status: 'accepted' });
  expect(
    server.requests.flatMap(({ events }) => events.map(({ userId, traits }) => [userId, traits])),
  ).toEqual([['ada', { email: '[hidden]', plan: 'pro' }]]);
  expect(onDrop.mock.calls.map(([count, reason]) => [count, reason])).toEqual([
    [1, 'plugin'],
    [1, 'failed'],
  ]);
});

test('whoever listens is told of each event that is stored or given up, and of what is tried again', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
  const tracker = open();
  const told: unknown[] = [];
  for (const topic of ['sent', 'drop'] as const) {
    tracker.on(topic, ({ messageId, reason }) => told.push([topic, messageId, reason]));
  }
  tracker.on('error', ({ message, status, next }) => told.push(['error', message, status, next]));
  // What a listener throws is its own.
  tracker.on('sent', () => {
    throw new Error('mine');
  });
  const undo = tracker.on('sent', () => told.push('undone'));
  undo();
  server.setReply((request, response, index) => {
    if (index === 0) refuse(response, 500);
    else if (request.events.length > 1) answer(response, 413, { body: 'too large' });
    else if (request.events[0]!.messageId === 'bad') refuse(response, 400);
    else accept(request, response);
  });
  const call = (messageId: string) => tracker.track({ userId: 'u1', event: 'Paid', messageId });
  await Promise.all([call('good'), call('bad')]);
  await tracker.close();
  expect(await call('late')).toMatchObject({ reason: 'closed' });
  expect(told).toEqual([
    ['error', 'The collector answered 500.', 500, 'retry'],
    ['sent', 'good', undefined],
    ['error', 'The collector answered 400.', 400, 'refused'],
    ['drop', 'bad', 'refused'],
    ['drop', 'late', 'closed'],
  ]);
});

test('a collector that cannot be reached is told of with what was in the way', async () => {
  const errors: TrackingError[] = [];
  const cause = new TypeError('fetch failed');
  const tracker = open({ onError: (error) => errors.push(error), fetch: () => Promise.reject(cause) });
  void tracker.track({ userId: 'u1', event: 'Paid' });
  await vi.waitFor(() => expect(errors).not.toEqual([]), { timeout: 30_000 });
  expect(errors[0]).toMatchObject({ message: 'fetch failed', cause, status: 0, next: 'retry' });
});
