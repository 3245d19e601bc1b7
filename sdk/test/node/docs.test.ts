// @vitest-environment node
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README has every option of the server’s tracker with its default and sentence, as the types have', () => {
  const [source] = /export interface NodeTrackerOptions {([\s\S]*?)\n}/.exec(
    read('../../src/node/options.ts'),
  )!;
  const options = [...source.matchAll(/\/\*\*([\s\S]*?)\*\/\s+readonly (\w+)/g)].map(([, comment, name]) => {
    const text = comment!.replace(/\s*\n\s*\*\s*/g, ' ').trim();
    const [sentence, standard = ''] = text.split(' @default ');
    return [name, standard.trim(), sentence!.trim()];
  });
  expect(options).toHaveLength(11);
  const [section] = read('../../README.md').split('## On a server')[1]!.split('\n## ');
  const rows = section!.split('\n').filter((line) => line.startsWith('| `'));
  const documented = rows.map((row) => row.split('|').map((cell) => cell.trim().replace(/`/g, '')));
  expect(documented.slice(0, 11).map((cells) => cells.slice(1, 4))).toEqual(
    options.map((cells) => cells.map((cell) => cell!.replace(/`/g, ''))),
  );
});
