import { expect, test, vi } from 'vitest';
import type { DeliveryError, Receipt } from '../src';
import { acceptAll, open } from './open-tracker';

test('a call may be awaited until the collector has its event', async () => {
  const { tracker, events } = open();
  const paid = tracker.track('Paid');
  const page = tracker.page('Home');
  await tracker.flush();
  expect([await paid, await page]).toEqual(
    events.map(({ messageId }) => ({ messageId, status: 'accepted' })),
  );
  tracker.close();
});

test('what the collector refuses is told to whoever waits, to listeners and to onDrop, with its reason', async () => {
  const onDrop = vi.fn();
  const rejected = [{ index: 1, messageId: 'm', code: 'bad_name', message: 'no name' }];
  const { tracker } = open({
    onDrop,
    reply: ({ length }) => Response.json({ accepted: length - 1, duplicates: 0, rejected }),
  });
  const told: Array<[string, Receipt['status']]> = [];
  tracker.on('sent', ({ status }) => told.push(['sent', status]));
  tracker.on('drop', ({ status }) => told.push(['drop', status]));
  const calls = [tracker.track('Good'), tracker.track('Bad'), tracker.track('Good')];
  await tracker.flush();
  const receipts = await Promise.all(calls);
  expect(receipts.map(({ status, reason, detail }) => [status, reason, detail])).toEqual([
    ['accepted', undefined, undefined],
    ['rejected', 'rejected', 'bad_name: no name'],
    ['accepted', undefined, undefined],
  ]);
  expect(told).toEqual([
    ['sent', 'accepted'],
    ['drop', 'rejected'],
    ['sent', 'accepted'],
  ]);
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'rejected', 'bad_name: no name');
  tracker.close();
});

test('a request without a verdict is told as an error, and nothing is dropped by it', async () => {
  const errors: DeliveryError[] = [];
  const onDrop = vi.fn();
  let status = 500;
  const { tracker } = open({
    onDrop,
    reply: (batch) =>
      status === 200 ? acceptAll(batch) : Response.json({ error: { code: 'no' } }, { status }),
  });
  tracker.on('error', (error) => errors.push(error));
  const paid = tracker.track('Paid');
  await tracker.flush();
  status = 200;
  dispatchEvent(new Event('online'));
  expect(await paid).toMatchObject({ status: 'accepted' });
  status = 401;
  tracker.track('Late');
  await tracker.flush();
  expect(errors).toEqual([
    { status: 500, next: 'retry' },
    { status: 401, next: 'stop' },
  ]);
  expect(onDrop).not.toHaveBeenCalled();
  tracker.close();
});

test('a listener is told until its undo, once for each time it was given, and its mistakes stay its own', async () => {
  const { tracker } = open();
  const listener = vi.fn(() => {
    throw new Error('the page’s own');
  });
  const undo = tracker.on('sent', listener);
  tracker.on('sent', listener);
  tracker.track('One');
  await tracker.flush();
  expect(listener).toHaveBeenCalledTimes(2);
  undo();
  undo();
  tracker.track('Two');
  await tracker.flush();
  expect(listener).toHaveBeenCalledTimes(3);
  tracker.close();
});

test('a callback is called when the event is safe, even where nothing can be sent', async () => {
  const { tracker } = open({ reply: () => Response.error() });
  const calls: ReadonlyArray<(done: () => void) => unknown> = [
    (done) => tracker.track('Paid', done),
    (done) => tracker.track('Paid', {}, done),
    (done) => tracker.track('Paid', {}, {}, done),
    (done) => tracker.identify('u1', { plan: 'pro' }, {}, done),
    (done) => tracker.identify({ plan: 'pro' }, done),
    (done) => tracker.page('Docs', 'Install', {}, {}, done),
    (done) => tracker.page(done),
    (done) => tracker.screen('Settings', done),
    (done) => tracker.group('g1', {}, {}, done),
    (done) => tracker.alias('u1', done),
  ];
  for (const call of calls) {
    let isCalled = false;
    await new Promise<void>((resolve) => {
      call(() => {
        isCalled = true;
        resolve();
      });
      // It never runs inside the call.
      expect(isCalled).toBe(false);
    });
  }
  tracker.close();
  await new Promise<void>((resolve) => void tracker.track('Late', resolve));
});

test('a call after the end is told to be dropped', async () => {
  const onDrop = vi.fn();
  const { tracker } = open({ onDrop });
  tracker.close();
  expect(await tracker.track('Late')).toMatchObject({ status: 'dropped', reason: 'closed' });
  expect(onDrop).toHaveBeenCalledExactlyOnceWith(1, 'closed', undefined);
});
