import { describe, expect, it } from 'vitest';
import { missingAmong, type NamedAudience, orderByReading } from '../../src/core/decision-audiences';

const reads = (key: string, ...read: readonly string[]): NamedAudience => ({
  ...{ key, id: key, isMember: false, isPending: true },
  rule: read.length === 0 ? { bucket: [0, 50] } : { any: read.map((audience) => ({ audience })) },
});
const keys = (audiences: readonly NamedAudience[]) => audiences.map(({ key }) => key);

describe('audiences that read each other', () => {
  it('are looked at behind what they read, each once, and those that nothing leads to not at all', () => {
    const audiences = [
      reads('a', 'b', 'c'),
      reads('c', 'd'),
      reads('b', 'd'),
      reads('d'),
      reads('idle', 'a'),
    ];
    expect(keys(orderByReading(audiences, ['a']))).toEqual(['d', 'b', 'c', 'a']);
    expect(keys(orderByReading(audiences, ['b', 'd']))).toEqual(['d', 'b']);
  });

  it('in a circle, which nobody can write, are cut where it closes', () => {
    const circle = [reads('a', 'b'), reads('b', 'c'), reads('c', 'a')];
    expect(keys(orderByReading(circle, ['a']))).toEqual(['c', 'b', 'a']);
    expect(keys(orderByReading([reads('self', 'self')], ['self']))).toEqual(['self']);
  });

  it('name what is yet to be read', () => {
    expect(missingAmong([reads('a', 'b', 'c'), reads('b')])).toEqual(['c']);
    expect(missingAmong([{ ...reads('list'), rule: null }])).toEqual([]);
  });
});
