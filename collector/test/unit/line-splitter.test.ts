import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter, type Line } from '../../src/core/line-splitter';

const MAX_BYTES = 12;

function split(file: Uint8Array, cuts: readonly number[]): { lines: Line[]; count: number } {
  const splitter = createLineSplitter(MAX_BYTES);
  const places = [0, ...[...cuts].sort((a, b) => a - b), file.length];
  const lines = places.slice(1).flatMap((to, index) => splitter.push(file.subarray(places[index], to)));
  return { lines: [...lines, ...splitter.end()], count: splitter.count() };
}

const shown = (lines: readonly Line[]) =>
  lines.map(({ number, bytes, isTooLong }) => ({
    number,
    text: Buffer.from(bytes).toString('latin1'),
    isTooLong,
  }));
const linesOf = (text: string) => shown(split(Buffer.from(text), []).lines);

describe('a file in chunks', () => {
  it('has the same lines wherever it is cut', () => {
    const bytes = fc.array(
      fc.constantFrom(...Buffer.from('\n\r\u00a0 {a\u00efbc'), 0xef, 0xbb, 0xbf, 0xff, 0),
      {
        maxLength: 80,
      },
    );
    const file = bytes.map((values) => Uint8Array.from(values));
    const cutFile = file.chain((whole) =>
      fc.record({ whole: fc.constant(whole), cuts: fc.array(fc.nat({ max: whole.length })) }),
    );
    fc.assert(
      fc.property(cutFile, ({ whole, cuts }) => {
        const asOne = split(whole, []);
        const asMany = split(whole, cuts);
        expect({ ...asMany, lines: shown(asMany.lines) }).toEqual({ ...asOne, lines: shown(asOne.lines) });
      }),
      { numRuns: 500 },
    );
  });

  it('has the lines that splitting its text gives', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r\n', ' '), maxLength: 60 });
    fc.assert(
      fc.property(text, (whole) => {
        const expected = whole
          .split('\n')
          .map((line, index) => ({ number: index + 1, text: line.replace(/\r$/, '') }))
          .filter(({ text: line }) => line.trim() !== '' || Buffer.byteLength(line) > MAX_BYTES);
        const { lines } = split(Buffer.from(whole), [...Array(whole.length).keys()]);
        const found = lines.map(({ number, bytes }) => ({
          number,
          bytes: Buffer.from(bytes).toString('hex'),
        }));
        expect(found).toEqual(
          expected.map(({ number, text: line }) => ({
            number,
            bytes: Buffer.from(line).subarray(0, MAX_BYTES).toString('hex'),
          })),
        );
      }),
    );
  });
});

describe('a line', () => {
  it('ends with LF, with CRLF, or with the file', () => {
    expect(linesOf('one\ntwo\r\nthree')).toEqual([
      { number: 1, text: 'one', isTooLong: false },
      { number: 2, text: 'two', isTooLong: false },
      { number: 3, text: 'three', isTooLong: false },
    ]);
  });

  it('that is blank is left out, and counted', () => {
    expect(linesOf('\n \t\r\none\n\n')).toEqual([{ number: 3, text: 'one', isTooLong: false }]);
    expect(split(Buffer.from('\none\n\n'), []).count).toBe(3);
  });

  it('is the first one also behind a byte order mark', () => {
    expect(linesOf('\ufeffone\r\n')).toEqual([{ number: 1, text: 'one', isTooLong: false }]);
    expect(linesOf('\ufeff\n')).toEqual([]);
  });

  it('may be as long as allowed, whatever stands around it', () => {
    const longest = 'x'.repeat(MAX_BYTES);
    expect(linesOf(`\ufeff${longest}\r\n${longest}\r\n`).map(({ isTooLong }) => isTooLong)).toEqual([
      false,
      false,
    ]);
  });

  it('that is longer is cut, and the next one is whole', () => {
    expect(linesOf(`${'x'.repeat(1000)}\nnext\n`)).toEqual([
      { number: 1, text: 'x'.repeat(MAX_BYTES), isTooLong: true },
      { number: 2, text: 'next', isTooLong: false },
    ]);
    expect(linesOf(`${'x'.repeat(MAX_BYTES + 1)}\r\n`)[0]!.isTooLong).toBe(true);
  });
});
