import { expect, test } from 'vitest';
import readme from '../README.md?raw';
import receiptSource from '../src/core/receipt.ts?raw';
import optionsSource from '../src/options.ts?raw';

/** The rows of the README's table under this heading: first and second cell. */
function readRows(heading: string): ReadonlyArray<readonly string[]> {
  const section = readme.slice(readme.indexOf(heading)).split(/\n#/)[0]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) => row.split('|').map((cell) => cell.trim()));
}

test('the README has every option with its default and sentence, as the types have', () => {
  const [source] = /export interface TrackerOptions {([\s\S]*?)\n}/.exec(optionsSource)!;
  const options = [...source.matchAll(/\/\*\*([\s\S]*?)\*\/\s+readonly (\w+)/g)].map(([, comment, name]) => {
    const text = comment!.replace(/\s*\n\s*\*\s*/g, ' ').trim();
    const [sentence, standard = ''] = text.split(' @default ');
    return [name, standard.trim(), sentence!.trim()];
  });
  expect(options).toHaveLength(18);
  const documented = readRows('## Options').map(([, name, standard, sentence]) => [
    name!.replace(/`/g, ''),
    standard!.replace(/`/g, ''),
    sentence,
  ]);
  expect(documented).toEqual(options);
});

test('the README has every reason for a drop', () => {
  const [, reasons] = /export type DropReason =\s([^;]+);/.exec(receiptSource)!;
  const documented = readRows('Given up, and told').map(([, reason]) => reason!.replace(/`/g, ''));
  expect(documented).toEqual(
    reasons!
      .split('|')
      .filter((reason) => reason.trim())
      .map((reason) => reason.trim().replace(/'/g, '')),
  );
});
