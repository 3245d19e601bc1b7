import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { type Block, blocksOf, findDocuments, readDocument, ROOT } from '../support/documents';

/** What a reader has exported who follows the README. */
type Exported = Readonly<Record<'COLLECTOR' | 'WRITE_KEY' | 'SECRET_KEY', string>>;

const NPM_START = join(ROOT, 'collector', 'bin', 'start.mjs');

function run(
  file: string,
  args: readonly string[],
  options: { env?: Exported; cwd?: string },
): Promise<string> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      { cwd: ROOT, ...options, env: { PATH, HOME, ...options.env } },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${error.message}\n${stdout}${stderr}`));
      },
    );
  });
}

/** IDs and times are other ones each time; everything else is as the document shows it. */
function withoutChance(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .trim()
    .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, '<id>')
    .replace(/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g, '<time>')
    .replace(/"tookMs": ?[\d.]+/g, '"tookMs": 0');
}

const readAnswer = (info: string, text: string): unknown =>
  info.startsWith('json') ? JSON.parse(withoutChance(text)) : withoutChance(text);

interface Step {
  readonly command: string;
  readonly answer: Block | undefined;
}

/** The commands of a document that can be run, each with the answer that the document shows for it. */
function stepsOf(path: string): readonly Step[] {
  const blocks = blocksOf(readDocument(path));
  return blocks.flatMap((block, index) => {
    if (block.info !== 'sh test') return [];
    const next = blocks[index + 1];
    return [{ command: block.text, answer: next?.info.endsWith(' answer') ? next : undefined }];
  });
}

const runnable = findDocuments().filter((path) => stepsOf(path).length > 0);

describe.each(runnable)('the commands of %s, run in order', (path) => {
  let database: TestDatabase;
  let collector: StartedCollector;
  let exported: Exported;

  beforeAll(async () => {
    database = await createTestDatabase();
    collector = await startCollector({ env: { DATABASE_URL: database.url }, command: [NPM_START] });
    exported = { COLLECTOR: collector.url, WRITE_KEY: collector.writeKey, SECRET_KEY: collector.secretKey! };
  });
  afterAll(async () => {
    await collector?.stop();
    await database?.close();
  });

  it('are introduced by what they need', () => {
    const told = blocksOf(readDocument(path)).filter(({ info }) => info === 'sh');
    const names = told.flatMap(({ text }) => [...text.matchAll(/^export (\w+)=/gm)].map(([, name]) => name));
    expect(names).toEqual(Object.keys(exported));
  });

  it.each(stepsOf(path))('$command', async ({ command, answer }) => {
    const output = await run('sh', ['-euc', command], { env: exported });
    expect(output).not.toContain('"error":{');
    if (answer !== undefined)
      expect(readAnswer(answer.info, output)).toEqual(readAnswer(answer.info, answer.text));
  });
});

describe('the README', () => {
  it('shows an answer for each command, and commands that run', () => {
    expect(runnable).toEqual(['README.md', 'examples/README.md']);
    const steps = stepsOf('README.md');
    expect(steps.length).toBeGreaterThan(5);
    expect(steps.filter(({ answer }) => answer === undefined)).toEqual([]);
  });

  it('shows code for the npm package that runs, on a server too', async () => {
    const blocks = blocksOf(readDocument('README.md')).filter(({ info }) => info === 'js test');
    expect(blocks).toHaveLength(1);
    // From a folder that finds the package by its name.
    const cwd = join(ROOT, 'collector');
    for (const { text } of blocks) {
      expect(await run(process.execPath, ['--input-type=module', '--eval', text], { cwd })).toBe('');
    }
  });
});
