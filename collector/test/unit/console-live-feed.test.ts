import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLiveFeed, MAX_ROWS, type LiveFeed } from '../../console/src/live-feed';
import type { LiveEvent } from '../../console/src/wire';

/** A stream under the test's control: the parts of EventSource that the feed uses. */
function createStream() {
  const target = new EventTarget();
  const source = Object.assign(target, { readyState: 1, CLOSED: 2, close: () => (source.readyState = 2) });
  return {
    source: source as unknown as EventSource,
    open: () => target.dispatchEvent(new Event('open')),
    send: (messageId: string) =>
      target.dispatchEvent(
        new MessageEvent('event', {
          data: JSON.stringify({ messageId, type: 'track' } satisfies Partial<LiveEvent>),
        }),
      ),
    fail: (readyState: 0 | 2) => {
      source.readyState = readyState;
      target.dispatchEvent(new Event('error'));
    },
    isClosed: () => source.readyState === 2,
  };
}

let streams: ReturnType<typeof createStream>[];
let frame: (() => void)[];
let refused: number;
let feed: LiveFeed;

beforeEach(() => {
  vi.useFakeTimers();
  streams = [];
  frame = [];
  refused = 0;
  feed = createLiveFeed({
    open: () => {
      streams.push(createStream());
      return streams.at(-1)!.source;
    },
    onRefused: () => (refused += 1),
    soon: (work) => frame.push(work),
  });
});
afterEach(() => void vi.useRealTimers());

const drawFrame = (): void => frame.splice(0).forEach((work) => work());
const shown = (): string[] => feed.rows.value.map(({ messageId }) => messageId);

test('events are drawn once a frame, newest first, each once', () => {
  feed.connect();
  streams[0]!.open();
  for (const id of ['1', '2', '2', '3']) streams[0]!.send(id);
  expect(frame).toHaveLength(1);
  drawFrame();
  streams[0]!.send('3');
  streams[0]!.send('4');
  drawFrame();

  expect(shown()).toEqual(['4', '3', '2', '1']);
  expect(feed.state.value).toBe('live');
});

test('only the newest are kept, however many arrive', () => {
  feed.connect();
  for (let i = 0; i < MAX_ROWS * 3; i += 1) streams[0]!.send(String(i));
  drawFrame();

  expect(shown()).toHaveLength(MAX_ROWS);
  expect(shown()[0]).toBe(String(MAX_ROWS * 3 - 1));
});

test('while paused nothing moves, what arrives is counted, and it is there when one goes on', () => {
  feed.connect();
  streams[0]!.send('1');
  drawFrame();
  feed.pause();
  streams[0]!.send('2');
  streams[0]!.send('3');
  drawFrame();
  expect(shown()).toEqual(['1']);
  expect(feed.held.value).toBe(2);

  feed.resume();
  expect(shown()).toEqual(['3', '2', '1']);
  expect(feed.held.value).toBe(0);
});

test('a broken connection is left to the browser; a refusal is tried again, later each time', () => {
  feed.connect();
  streams[0]!.fail(0);
  expect(feed.state.value).toBe('waiting');
  expect(refused).toBe(0);

  streams[0]!.fail(2);
  expect(refused).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(streams).toHaveLength(2);
  streams[1]!.fail(2);
  vi.advanceTimersByTime(1000);
  expect(streams).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(streams).toHaveLength(3);
});

test('leaving the page closes the stream and keeps the rows', () => {
  const leave = feed.connect();
  streams[0]!.send('1');
  drawFrame();
  leave();

  expect(streams[0]!.isClosed()).toBe(true);
  expect(shown()).toEqual(['1']);
});
