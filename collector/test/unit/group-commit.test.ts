import { describe, expect, it } from 'vitest';
import { type Flush, QueueClosed, QueueFull } from '../../src/queue/contract';
import { createGroupCommit } from '../../src/queue/group-commit';

interface Job {
  readonly name: string;
  readonly lane?: string;
  readonly events?: number;
  readonly bytes?: number;
}

/** A queue whose writes end when the test says so. */
function openQueue(
  options: {
    maxEvents?: number;
    writers?: number;
    maxBytes?: number;
    maxWaitMs?: number;
    isTimed?: boolean;
  } = {},
) {
  const groups: { names: string[]; end: (error?: Error) => void }[] = [];
  const arrivals: (() => void)[] = [];
  const clock = { now: 0 };
  const flushes: Flush[] = [];
  const queue = createGroupCommit<Job, string>({
    write: (jobs) =>
      new Promise((resolve, reject) => {
        const names = jobs.map(({ name }) => name);
        const end = (error?: Error) =>
          error === undefined ? resolve(names.map((name) => `wrote ${name}`)) : reject(error);
        groups.push({ names, end });
        arrivals.splice(0).forEach((tell) => tell());
      }),
    laneOf: (job) => job.lane ?? 'one',
    weigh: (job) => ({ events: job.events ?? 1, bytes: job.bytes ?? 1 }),
    maxEvents: options.maxEvents ?? 10,
    maxWaitMs: options.maxWaitMs ?? 0,
    writers: options.writers ?? 1,
    maxBytes: options.maxBytes ?? 100,
    now: () => (options.isTimed ? clock.now : performance.now()),
    onFlush: (flush) => flushes.push(flush),
  });
  const nextGroup = async (count: number) => {
    while (groups.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
    return groups[count - 1]!;
  };
  return { queue, groups, nextGroup, clock, flushes };
}

describe('group commit', () => {
  it('answers a request only when its group is written', async () => {
    const { queue, nextGroup } = openQueue();
    let isAnswered = false;
    const answer = queue.submit({ name: 'a' }).then((result) => {
      isAnswered = true;
      return result;
    });
    const group = await nextGroup(1);
    expect(isAnswered).toBe(false);
    group.end();
    expect(await answer).toBe('wrote a');
  });

  it('lets what arrives meanwhile grow into one group, up to its size', async () => {
    const { queue, nextGroup } = openQueue({ maxEvents: 3 });
    const answers = ['a', 'b', 'c', 'd', 'e'].map((name) => queue.submit({ name }));
    (await nextGroup(1)).end();
    (await nextGroup(2)).end();
    const third = await nextGroup(3);
    third.end();
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `wrote ${name}`));
    expect((await nextGroup(2)).names).toEqual(['b', 'c', 'd']);
  });

  it('never splits a batch, and never mixes workspaces', async () => {
    const { queue, nextGroup } = openQueue({ maxEvents: 3 });
    const answers = [
      queue.submit({ name: 'a' }),
      queue.submit({ name: 'large', events: 5 }),
      queue.submit({ name: 'other', lane: 'two' }),
    ];
    for (const count of [1, 2, 3]) (await nextGroup(count)).end();
    await Promise.all(answers);
    expect([(await nextGroup(2)).names, (await nextGroup(3)).names].sort()).toEqual([['large'], ['other']]);
  });

  it('refuses what would exceed its bytes, and takes again when there is room', async () => {
    const { queue, nextGroup } = openQueue({ maxBytes: 100 });
    const first = queue.submit({ name: 'a', bytes: 90 });
    await expect(queue.submit({ name: 'b', bytes: 20 })).rejects.toBeInstanceOf(QueueFull);
    (await nextGroup(1)).end();
    await first;
    const third = queue.submit({ name: 'c', bytes: 500 });
    (await nextGroup(2)).end();
    expect(await third).toBe('wrote c');
    expect(queue.stats()).toMatchObject({ bytesInFlight: 0, waitingJobs: 0, writing: 0 });
  });

  it('tells every request of a group that failed, and goes on', async () => {
    const { queue, nextGroup } = openQueue();
    const failed = queue.submit({ name: 'a' });
    (await nextGroup(1)).end(new Error('the database went away'));
    await expect(failed).rejects.toThrow('the database went away');
    const next = queue.submit({ name: 'b' });
    (await nextGroup(2)).end();
    expect(await next).toBe('wrote b');
  });

  it('counts bytes that are reserved for what is still being read, until they are given back', async () => {
    const { queue, nextGroup } = openQueue({ maxBytes: 100 });
    const reservation = queue.reserve(60);
    expect(() => queue.reserve(50)).toThrow(QueueFull);
    const other = queue.reserve(20);
    expect(() => reservation.grow(30)).toThrow(QueueFull);
    reservation.grow(20);
    await expect(queue.submit({ name: 'a', bytes: 1 })).rejects.toBeInstanceOf(QueueFull);
    expect(queue.stats()).toMatchObject({ bytesInFlight: 100, maxBytes: 100 });
    // What was reserved weighs nothing more as a job.
    const answer = queue.submit({ name: 'b', bytes: 0 });
    (await nextGroup(1)).end();
    expect(await answer).toBe('wrote b');
    reservation.release();
    reservation.release();
    // One that is alone is given any number.
    other.grow(500);
    expect(queue.stats().bytesInFlight).toBe(520);
    other.release();
    expect(queue.stats().bytesInFlight).toBe(0);
  });

  it('tells of each group how large it was, how long it waited and took, and whether it was written', async () => {
    const { queue, nextGroup, clock, flushes } = openQueue({ isTimed: true });
    const first = queue.submit({ name: 'a', events: 3 });
    const group = await nextGroup(1);
    clock.now = 10;
    const second = queue.submit({ name: 'b', events: 2 });
    clock.now = 15;
    group.end();
    await first;
    clock.now = 40;
    (await nextGroup(2)).end(new Error('the database went away'));
    await expect(second).rejects.toThrow('went away');
    expect(flushes).toEqual([
      { events: 3, waitedMs: 0, durationMs: 15, isWritten: true },
      { events: 2, waitedMs: 5, durationMs: 25, isWritten: false },
    ]);
  });

  it('closes when all that it accepted is written, and takes nothing more', async () => {
    const { queue, nextGroup } = openQueue({ maxWaitMs: 60_000 });
    const answer = queue.submit({ name: 'a' });
    const closed = queue.close();
    await expect(queue.submit({ name: 'late' })).rejects.toBeInstanceOf(QueueClosed);
    expect(() => queue.reserve(1)).toThrow(QueueClosed);
    (await nextGroup(1)).end();
    await closed;
    expect(await answer).toBe('wrote a');
  });
});
