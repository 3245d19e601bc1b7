import { expect, test, vi } from 'vitest';
import type { Plugin, WireEvent } from '../src';
import { open } from './open-tracker';

const hideMail: Plugin = (event) => ({ ...event, traits: { ...event.traits, email: '[hidden]' } });

test('plugins see each event in their order, from the first one on, and what they return is recorded', async () => {
  const mark =
    (letter: string): Plugin =>
    (event) => ({
      ...event,
      properties: { ...event.properties, seen: `${String(event.properties?.seen ?? '')}${letter}` },
    });
  const { tracker, events } = open({ autoPage: true, plugins: [mark('a'), mark('b')] });
  const undo = tracker.use(mark('c'));
  tracker.track('First');
  undo();
  tracker.track('Second');
  await tracker.flush();
  expect(events.map(({ type, properties }) => [type, properties?.seen])).toEqual([
    ['page', 'abc'],
    ['track', 'abc'],
    ['track', 'ab'],
  ]);
  tracker.close();
});

test('a plugin drops an event by returning none, and the drop is told', async () => {
  const onDrop = vi.fn();
  const keepPaid: Plugin = (event) => event.event === 'Paid' && event;
  const { tracker, events } = open({ onDrop, plugins: [keepPaid] });
  const seen = tracker.track('Seen');
  tracker.track('Paid');
  await tracker.flush();
  expect(events.map(({ event }) => event)).toEqual(['Paid']);
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'plugin', undefined);
  expect(await seen).toMatchObject({ status: 'dropped', reason: 'plugin' });
  tracker.close();
});

test('an event on which a plugin breaks is dropped, not sent as it was, and the page goes on', async () => {
  const onDrop = vi.fn();
  const breaks: Plugin = ({ traits }) => {
    // Not even a text can be made of it.
    throw traits?.email === 'ada@example.com' ? new Error('no mask') : Object.create(null);
  };
  const { tracker, events } = open({ onDrop, plugins: [breaks] });
  tracker.identify('u1', { email: 'ada@example.com' });
  tracker.track('Odd');
  await tracker.flush();
  expect(events).toEqual([]);
  expect(onDrop.mock.calls).toEqual([
    [1, 'failed', 'Error: no mask'],
    [1, 'failed', undefined],
  ]);
  tracker.close();
});

test('a visitor is remembered as plugins leave them, and not at all where they drop the call', async () => {
  const { tracker, events } = open({ plugins: [hideMail] });
  tracker.identify('u1', { email: 'ada@example.com', plan: 'pro' });
  const undo = tracker.use(() => null);
  tracker.identify('u2', { plan: 'free' });
  undo();
  await tracker.flush();
  expect(events.map(({ userId, traits }) => [userId, traits])).toEqual([
    ['u1', { email: '[hidden]', plan: 'pro' }],
  ]);
  expect(tracker.user()).toEqual({ userId: 'u1', traits: { email: '[hidden]', plan: 'pro' } });
  tracker.close();
});

test('type, messageId and time are the tracker’s own, whatever a plugin returns', async () => {
  const forge: Plugin = (event) => ({ ...event, type: 'page', messageId: 'mine', timestamp: 'never' });
  const change: Plugin = (event) => Object.assign(event, { messageId: 'changed' });
  const { tracker, events } = open({ plugins: [change, forge] });
  const receipt = await Promise.all([tracker.track('Paid'), tracker.flush()]).then(([first]) => first);
  const [event] = events as [WireEvent];
  expect(event).toMatchObject({ type: 'track', event: 'Paid', messageId: receipt.messageId });
  expect(event.messageId).toMatch(/^[\da-f-]{36}$/);
  expect(Date.parse(event.timestamp)).toBeGreaterThan(0);
  tracker.close();
});
