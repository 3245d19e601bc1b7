import { describe, expect, test } from 'vitest';
import readme from '../README.md?raw';
import { createTracker } from '../src';
import { autocapture } from '../src/autocapture/autocapture';
import autocaptureOptions from '../src/autocapture/choices.ts?raw';
import { experiments } from '../src/experiments/experiments';
import experimentsOptions from '../src/experiments/experiments.ts?raw';
import { webVitals } from '../src/web-vitals/web-vitals';
import vitalsOptions from '../src/web-vitals/web-vitals.ts?raw';

/** The options of an interface: name, default and sentence. */
function readOptions(source: string): readonly (readonly string[])[] {
  const [body] = /export interface \w+Options {([\s\S]*?)\n}/.exec(source)!;
  return [...body.matchAll(/\/\*\*([\s\S]*?)\*\/\s+readonly (\w+)/g)].map(([, comment, name]) => {
    const [sentence, standard] = comment!
      .replace(/\s*\n\s*\*\s*/g, ' ')
      .trim()
      .split(' @default ');
    return [name!, standard!.trim(), sentence!.trim()];
  });
}

/** The README's table of options below this heading. */
function readTable(heading: string): readonly (readonly string[])[] {
  const section = readme.slice(readme.indexOf(heading)).split(/\n## /)[0]!;
  const [, table = ''] = /\| option[^\n]*\n\|[-| ]+\n((?:\|.*\n)+)/.exec(section) ?? [];
  return table
    .trim()
    .split('\n')
    .map((row) => row.split(/(?<!\\)\|/).slice(1, 4))
    .map(([name, standard, sentence]) => [
      name!.replace(/`/g, '').trim(),
      standard!.replace(/`/g, '').trim(),
      sentence!.trim(),
    ]);
}

describe('the README', () => {
  test.each([
    ['## Autocapture', autocaptureOptions, 10],
    ['## Web vitals', vitalsOptions, 2],
    ['## Experiments', experimentsOptions, 3],
  ])('has every option with its default and sentence: %s', (heading, source, count) => {
    expect(readOptions(source)).toHaveLength(count);
    expect(readTable(heading)).toEqual(readOptions(source));
  });
});

test('a tracker that knows its events fits every entry point', () => {
  const tracker = createTracker<{ 'Cart Viewed': { items: number } }>({
    writeKey: 'pk_test',
    host: 'https://collect.example',
    flushAfterMs: 60_000,
  });
  autocapture(tracker)();
  webVitals(tracker)();
  experiments(tracker, []);
  tracker.close();
});
