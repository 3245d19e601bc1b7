// @vitest-environment node
import { appendFileSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTracker } from '../../src/node/tracker';
import type { NodeTracker, NodeTrackerOptions } from '../../src/node/tracker';
import { startWriter } from './killed-process';
import { accept, openServer, refuse } from './server';
import type { FailingServer } from './server';

let server: FailingServer;
let directory: string;
const ends: Array<() => unknown> = [];

beforeEach(async () => {
  server = await openServer();
  directory = mkdtempSync(join(tmpdir(), 'throughline-directory-'));
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await server.close();
  rmSync(directory, { recursive: true });
});

const options = (more: Partial<NodeTrackerOptions> = {}): NodeTrackerOptions => {
  return { writeKey: 'pk_test', host: server.url, directory, ...more };
};

function open(more: Partial<NodeTrackerOptions> = {}): NodeTracker {
  const tracker = createTracker(options(more));
  ends.push(() => tracker.close({ timeoutMs: 0 }));
  return tracker;
}

/** The messageIds of every request so far. */
const sent = (): string[] => server.requests.flatMap(({ events }) => events.map((event) => event.messageId));
const files = (ending: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));

/** Answers that the collector is not there. */
const beDown = (): void =>
  server.setReply((_request, response) => refuse(response, 503, { 'retry-after': '3600' }));

test('events of a process that was killed with -9 are sent by the next one, all and once', async () => {
  beDown();
  const writer = await startWriter(options(), 1_200);
  await writer.kill();
  expect(files('.ndjson').length).toBeGreaterThan(1);

  server.setReply(accept);
  const heard = server.requests.length;
  expect(await open().flush({ timeoutMs: 60_000 })).toBe(true);
  const arrived = server.requests
    .slice(heard)
    .flatMap(({ events }) => events.map((event) => event.messageId));
  expect(arrived).toEqual(writer.recorded);
  expect(files('.ndjson')).toEqual([]);
}, 60_000);

test('a process that has come to its end sends what waits, and ends then', async () => {
  // Without a folder: in memory alone.
  const writer = await startWriter({ writeKey: 'pk_test', host: server.url }, 30);
  expect(await writer.ended).toBe(0);
  expect(sent()).toEqual(writer.recorded);
}, 60_000);

test('of a process that lives nothing is taken, and after its death everything, by one of two', async () => {
  beDown();
  const writer = await startWriter(options(), 50);
  ends.push(writer.kill);
  server.setReply(accept);
  const early = open();
  expect(await early.flush()).toBe(true);
  expect(sent().filter((id) => !writer.recorded.includes(id))).toEqual([]);
  const heard = sent().length;

  await writer.kill();
  const [one, other] = [open(), open()];
  await Promise.all([one.flush({ timeoutMs: 60_000 }), other.flush({ timeoutMs: 60_000 })]);
  expect(sent().slice(heard)).toEqual(writer.recorded);
}, 60_000);

test('a closed tracker leaves what it could not send to the next, which sends nothing of another key', async () => {
  beDown();
  const tracker = open();
  const receipt = tracker.track({ userId: 'u1', event: 'Paid', messageId: 'kept' });
  expect(await tracker.close()).toBe(false);
  expect(await receipt).toEqual({ status: 'kept', messageId: 'kept' });

  server.setReply(accept);
  const heard = server.requests.length;
  expect(await open({ writeKey: 'pk_other' }).flush()).toBe(true);
  expect(server.requests).toHaveLength(heard);
  expect(await open().flush()).toBe(true);
  expect(sent().slice(heard)).toEqual(['kept']);
});

test('what is settled leaves the folder, also what is refused and what has no room', async () => {
  const tracker = open({ maxWaitingEvents: 3 });
  const receipts = Array.from({ length: 9 }, () => tracker.track({ userId: 'u1', event: 'Paid' }));
  expect(files('.ndjson')).toHaveLength(1);
  await Promise.all(receipts);
  expect(files('.ndjson')).toEqual([]);
});

test('a process of another machine counts as dead after a minute of silence', async () => {
  beDown();
  const tracker = open();
  void tracker.track({ userId: 'u1', event: 'Paid', messageId: 'kept' });
  await tracker.close();
  // As if it had been killed on a machine of another name.
  const [kept] = files('.ndjson');
  const alive = join(directory, dirname(kept!), `${kept!.split('.')[1]}.alive`);
  writeFileSync(alive, JSON.stringify({ host: 'elsewhere', pid: 1, startedAt: 0 }));
  server.setReply(accept);
  const heard = server.requests.length;
  expect(await open().flush()).toBe(true);
  expect(server.requests).toHaveLength(heard);

  const before = new Date(Date.now() - 61_000);
  utimesSync(alive, before, before);
  expect(await open().flush()).toBe(true);
  expect(sent().slice(heard)).toEqual(['kept']);
});

test('a line that was cut off is no event, and costs no other', async () => {
  beDown();
  const tracker = open();
  void tracker.track({ userId: 'u1', event: 'Paid', messageId: 'whole' });
  await tracker.close();
  appendFileSync(join(directory, files('.ndjson')[0]!), '{"messageId":"ha');
  server.setReply(accept);
  const heard = server.requests.length;
  expect(await open().flush()).toBe(true);
  expect(sent().slice(heard)).toEqual(['whole']);
});

test('a folder that takes nothing more is told, and events wait in memory', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const onError = vi.fn();
  const tracker = open({ onError });
  // Somebody has removed it.
  rmSync(join(directory, readdirSync(directory)[0]!), { recursive: true });
  expect(await tracker.track({ userId: 'u1', event: 'Paid' })).toMatchObject({ status: 'accepted' });
  expect(onError).toHaveBeenCalledTimes(1);
  // It is looked into again now and then.
  vi.advanceTimersByTime(60_000);
  expect(onError.mock.calls.length).toBeGreaterThan(1);
  vi.useRealTimers();
});

test('a folder that cannot be used at all is an error at the start', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => createTracker(options({ directory: file }))).toThrow('ENOTDIR');
});
