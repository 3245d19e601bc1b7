import { describe, expect, it } from 'vitest';
import { streamAhead } from '../../src/db/stream-ahead';

function countingTo(last: number): {
  readonly read: () => Promise<number | null>;
  readonly asked: () => number;
} {
  let asked = 0;
  return {
    read: () => Promise.resolve(asked < last ? ++asked : null),
    asked: () => asked,
  };
}

describe('reading ahead', () => {
  it('hands out all pieces in their order, and one is read while the one before is used', async () => {
    const source = countingTo(3);
    const seen: [number, number][] = [];
    for await (const piece of streamAhead(source.read)) seen.push([piece, source.asked()]);
    expect(seen).toEqual([
      [1, 2],
      [2, 3],
      [3, 3],
    ]);
  });

  it('of nothing hands out nothing', async () => {
    for await (const piece of streamAhead(() => Promise.resolve(null))) throw new Error(String(piece));
  });

  it('that fails tells who asks for what failed, and hands out what was before it', async () => {
    let asked = 0;
    const pieces = streamAhead(() =>
      ++asked === 1 ? Promise.resolve('first') : Promise.reject(new Error('broken')),
    );
    expect(await pieces.next()).toEqual({ value: 'first', done: false });
    await expect(pieces.next()).rejects.toThrow('broken');
  });

  it('that somebody leaves waits for what is being read, also where that fails', async () => {
    let fail: (error: Error) => void = () => undefined;
    let asked = 0;
    const pieces = streamAhead(() =>
      ++asked === 1
        ? Promise.resolve('first')
        : new Promise<string>((_, reject) => {
            fail = reject;
          }),
    );
    await pieces.next();
    let hasLeft = false;
    const leaving = pieces.return(undefined).then(() => {
      hasLeft = true;
    });
    await new Promise(setImmediate);
    expect(hasLeft).toBe(false);
    fail(new Error('gone'));
    await leaving;
  });
});
