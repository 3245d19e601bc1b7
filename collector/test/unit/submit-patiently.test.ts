import { describe, expect, it } from 'vitest';
import { submitPatiently } from '../../src/import/submit-patiently';
import { QueueClosed, QueueFull } from '../../src/queue/contract';

const { signal } = new AbortController();

/** Full so many times, then there is room. */
function openQueue(timesFull: number) {
  let asked = 0;
  return {
    submit: () => {
      asked += 1;
      return asked <= timesFull ? Promise.reject(new QueueFull()) : Promise.resolve('written');
    },
    asked: () => asked,
  };
}

describe('a batch of an import that finds the queue full', () => {
  it('is offered again until there is room', async () => {
    const queue = openQueue(3);
    expect(await submitPatiently(queue.submit, { patienceMs: 60_000, signal })).toBe('written');
    expect(queue.asked()).toBe(4);
  });

  it('is given up when the patience is over', async () => {
    const queue = openQueue(Infinity);
    await expect(submitPatiently(queue.submit, { patienceMs: 70, signal })).rejects.toThrow(QueueFull);
    // At once, after 20 ms and after 40 more: another 80 would be too many.
    expect(queue.asked()).toBe(3);
  });

  it('waits no longer when the import ends', async () => {
    const ending = new AbortController();
    const queue = openQueue(Infinity);
    const submitted = submitPatiently(queue.submit, { patienceMs: Infinity, signal: ending.signal });
    ending.abort(new QueueClosed());
    await expect(submitted).rejects.toThrow(QueueClosed);
  });

  it('is not offered again where something else is wrong', async () => {
    let asked = 0;
    const submit = () => {
      asked += 1;
      return Promise.reject(new Error('The database is away.'));
    };
    await expect(submitPatiently(submit, { patienceMs: 60_000, signal })).rejects.toThrow('away');
    expect(asked).toBe(1);
  });
});
