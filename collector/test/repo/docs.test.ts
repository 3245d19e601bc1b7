import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AGGREGATES,
  BUILTIN_TRAITS,
  CALENDAR_UNITS,
  EVENT_KINDS,
  MAX_LEAVES,
  MAX_RULE_DEPTH,
  OPERATORS,
  OWN_EVENTS,
} from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { IDENTITY_PICTURES } from '../../scripts/identity-pictures';
import { anchorsOf, blocksOf, findDocuments, linksOf, readDocument, ROOT } from '../support/documents';

const documents = findDocuments();
const codeIn = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);

/** The rows of the tables in a text, without their heads. */
const rowsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);

interface NamedTest {
  /** Relative to the repository. */
  readonly file: string;
  readonly name: string;
}

/** The tests that a row names, as `[file](path): “title”, “title”`. */
function testsNamedIn(document: string, row: string): NamedTest[] {
  return [...row.matchAll(/\]\(([^)]+)\): ((?:“[^”]+”(?:, )?)+)/g)].flatMap(([, path = '', names = '']) =>
    [...names.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({
      file: posix.join(posix.dirname(document), path),
      name,
    })),
  );
}

function isMissing({ file, name }: NamedTest): boolean {
  const text = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : '';
  // A test with a time limit of its own has its name on the next line; a scenario has it as a property.
  const begun = text.replace(/\(\s+/g, '(').replaceAll('name: ', '(');
  return !["'", '"', '`'].some((quote) => begun.includes(`(${quote}${name}${quote}`));
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
}
const scriptsOf = (folder: string): string[] =>
  Object.keys(
    (JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest).scripts ?? {},
  );

describe('every document', () => {
  it('is found', () => {
    expect(documents).toEqual(
      expect.arrayContaining([
        'ARCHITECTURE.md',
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'README.md',
        'collector/README.md',
        'docs/errors.md',
        'docs/migrating.md',
        'docs/audiences.md',
        'examples/README.md',
      ]),
    );
  });

  it.each(documents)('%s links to what is there', (path) => {
    const broken = linksOf(path).filter(({ path: target, anchor }) => {
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(documents)('%s names npm scripts that exist', (path) => {
    // A package's own document may speak of the package's scripts.
    const known = [
      ...scriptsOf('.'),
      ...['sdk', 'collector'].filter((name) => path.startsWith(name)).flatMap(scriptsOf),
    ];
    const named = [...readDocument(path).matchAll(/npm run (?:--\S+ )*([\w:-]+)/g)].map(
      ([, script]) => script!,
    );
    expect(named.filter((script) => !known.includes(script))).toEqual([]);
  });
});

describe('README.md', () => {
  const section =
    readDocument('README.md')
      .split(/^## /m)
      .find((part) => part.startsWith('What is promised')) ?? '';
  const rows = rowsOf(section);
  const promises = rows.map((row) => ({
    promise: row.split('|')[1]!.trim(),
    tests: testsNamedIn('README.md', row),
  }));

  it('promises something, and names a test for each promise', () => {
    expect(promises.length).toBeGreaterThan(12);
    expect(promises.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  it.each(promises)('promises $promise, and the tests are there', ({ tests }) => {
    expect(tests.filter(isMissing)).toEqual([]);
  });
});

describe('sdk/README.md', () => {
  const recipes = blocksOf(readDocument('sdk/README.md')).flatMap(({ info, text }) => {
    const path = info.split(' ')[1];
    return path?.startsWith('examples/') ? [{ path, text }] : [];
  });

  it('takes its recipes from every example of the SDK', () => {
    const folders = new Set(recipes.map(({ path }) => path.split('/')[1]));
    expect([...folders].sort()).toEqual(['html', 'next', 'node', 'react', 'vue']);
  });

  it('has a lockfile for Next.js that knows what the SDK depends on', () => {
    interface Lock {
      readonly packages: Readonly<Record<string, { readonly dependencies?: object }>>;
    }
    const lock = JSON.parse(readDocument('examples/next/package-lock.json')) as Lock;
    const sdk = JSON.parse(readDocument('sdk/package.json')) as { readonly dependencies: object };
    expect(lock.packages['node_modules/@throughline/sdk']!.dependencies).toEqual(sdk.dependencies);
  });

  it.each(recipes)('shows $path as it is', ({ path, text }) => {
    expect(text).toBe(readDocument(path));
  });

  it.each(['examples/html/index.html', 'examples/shop/stub.js'])('has the stub that is in %s', (path) => {
    const words = (text: string): string => text.replace(/\s+/g, ' ');
    const [, stub = ''] = /<script>\n(.*?)<\/script>/s.exec(readDocument('sdk/README.md')) ?? [];
    expect(words(readDocument(path))).toContain(words(stub).trim());
  });
});

describe('docs/identity.md', () => {
  const path = 'docs/identity.md';
  const section = (heading: string): string =>
    readDocument(path)
      .split(/^## /m)
      .find((part) => part.startsWith(heading)) ?? '';
  const cases = rowsOf(section('The hard cases')).map((row) => ({
    what: row.split('|')[1]!.trim(),
    tests: testsNamedIn(path, row),
  }));

  it('lists hard cases, and names a test for each', () => {
    expect(cases.length).toBeGreaterThan(24);
    expect(cases.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  it.each(cases)('says what happens to “$what”, and the tests are there', ({ tests }) => {
    expect(tests.filter(isMissing)).toEqual([]);
  });

  it('shows every picture that is drawn for it', () => {
    const shown = linksOf(path).map(({ path: target }) => target);
    const drawn = IDENTITY_PICTURES.map(({ name }) => `docs/identity/${name}.svg`);
    expect(drawn.length).toBeGreaterThan(3);
    expect(drawn.filter((picture) => !shown.includes(picture))).toEqual([]);
  });

  it('has a source for whatever it says of others, and says when that was read', () => {
    const others = rowsOf(section('How others do it')).filter((row) => !row.includes('**Throughline**'));
    expect(others).toHaveLength(4);
    expect(others.filter((row) => !/\]\(https:/.test(row))).toEqual([]);
    expect(section('How others do it')).toMatch(/read on \d+ \w+ \d{4}/);
  });
});

describe('ARCHITECTURE.md', () => {
  const codes = [...new Set(codeIn(readDocument('ARCHITECTURE.md')))];

  it('names files and folders that exist', () => {
    const paths = codes.filter((code) => /^[\w.-]+\/[\w./-]*$/.test(code));
    expect(paths.length).toBeGreaterThan(30);
    const roots = ['.', 'collector/src', 'sdk/src'];
    expect(paths.filter((path) => !roots.some((root) => existsSync(join(ROOT, root, path))))).toEqual([]);
  });

  it('names functions that exist', () => {
    const names = codes.flatMap((code) => /^(\w+)\(\)$/.exec(code)?.[1] ?? []);
    expect(names.length).toBeGreaterThan(12);
    const sources = ['collector/src', 'sdk/src'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
    );
    const isThere = (name: string): boolean =>
      sources.some((text) => new RegExp(`(function\\*? |const |^\\s+)${name}\\b[(<: =]`, 'm').test(text));
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });
});

describe('docs/audiences.md', () => {
  const page = readDocument('docs/audiences.md');

  it('shows rules that are valid', () => {
    const rules = blocksOf(page).filter(({ info }) => info === 'json rule');
    expect(rules.length).toBeGreaterThan(4);
    for (const { text } of rules) expect(checkRule(JSON.parse(text)), text).toMatchObject({ ok: true });
  });

  it('names every comparison, aggregate, built-in trait and kind of event', () => {
    const words = [
      ...OPERATORS.json,
      ...Object.keys(AGGREGATES),
      ...Object.keys(BUILTIN_TRAITS),
      ...EVENT_KINDS,
      ...CALENDAR_UNITS,
      ...OWN_EVENTS,
      ...['all', 'any', 'not', 'trait', 'event', 'where', 'within', 'between', 'agg', 'of'],
      ...['then', 'same', 'audience', 'bucket', 'salt'],
    ];
    const named = codeIn(page.replace(/^```.*?^```$/gms, ''));
    expect(words.filter((word) => !named.includes(word))).toEqual([]);
  });

  it('says how large a rule may be', () => {
    expect(page).toContain(`up to ${MAX_RULE_DEPTH} deep; a rule asks at most ${MAX_LEAVES} things`);
  });
});

describe('the check itself', () => {
  it('finds a link that leads nowhere, and a heading by its anchor', () => {
    expect(existsSync(join(ROOT, 'docs', 'nowhere.md'))).toBe(false);
    expect(linksOf('README.md').map(({ path }) => path)).toContain('docs/errors.md');
    expect(linksOf('CONTRIBUTING.md').map(({ anchor }) => anchor)).toContain('words');
    expect(anchorsOf('ARCHITECTURE.md')).toContain('the-ways-of-a-datum');
    expect(dirname(documents.find((path) => path.startsWith('examples'))!)).toBe('examples');
  });
});
