import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPace, type Pace } from '../../src/membership/pace';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

/** Looks that take their time, and when each began. */
function openLooks(tookMs: number, hasMore = () => false) {
  const begun: number[] = [];
  const start = performance.now();
  const look = async (): Promise<boolean> => {
    begun.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, tookMs));
    return hasMore();
  };
  return { look, begun };
}

/** What it takes of time. */
async function end(pace: Pace): Promise<void> {
  const closing = pace.close();
  await vi.advanceTimersByTimeAsync(5_000);
  await closing;
}

describe('a look', () => {
  it('is taken at the start, and every second where nobody asks for one', async () => {
    const { look, begun } = openLooks(5);
    const pace = createPace(look);
    pace.start();
    await vi.advanceTimersByTimeAsync(2_500);
    expect(begun).toEqual([0, 1_005, 2_010]);
    await end(pace);
  });

  it('is taken soon after somebody asked, however many do', async () => {
    const { look, begun } = openLooks(1);
    const pace = createPace(look);
    pace.start();
    await vi.advanceTimersByTimeAsync(500);
    for (let times = 0; times < 10; times += 1) pace.wake();
    await vi.advanceTimersByTimeAsync(400);
    expect(begun).toEqual([0, 600]);
    await end(pace);
  });

  it('is followed by a rest of four times its length while somebody goes on asking', async () => {
    const { look, begun } = openLooks(50);
    const pace = createPace(look);
    pace.start();
    for (let ms = 0; ms < 1_000; ms += 10) {
      pace.wake();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(begun).toEqual([0, 250, 500, 750, 1_000]);
    await end(pace);
  });

  it('that takes long is followed by a rest that keeps what happens within two seconds', async () => {
    const { look, begun } = openLooks(1_000);
    const pace = createPace(look);
    pace.start();
    for (let ms = 0; ms < 4_000; ms += 100) {
      pace.wake();
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(begun).toEqual([0, 1_800, 3_600]);
    await end(pace);
  });

  it('that found more is followed by another one, asked or not', async () => {
    let left = 2;
    const { look, begun } = openLooks(10, () => left-- > 0);
    const pace = createPace(look);
    pace.start();
    await vi.advanceTimersByTimeAsync(900);
    expect(begun).toEqual([0, 110, 220]);
    await end(pace);
  });

  it('is the last one after the end, which waits for it', async () => {
    const { look, begun } = openLooks(300);
    const pace = createPace(look);
    pace.start();
    pace.wake();
    let isClosed = false;
    const closing = pace.close().then(() => (isClosed = true));
    await vi.advanceTimersByTimeAsync(299);
    expect(isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(5_000);
    await closing;
    pace.wake();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(begun).toEqual([0]);
  });
});
