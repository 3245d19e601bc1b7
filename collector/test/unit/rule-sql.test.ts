import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../../src/core/rule';
import { checkRule } from '../../src/core/rule-check';
import { compileEvaluation } from '../../src/db/rule-evaluation-sql';
import { compileCounts, compileWhy } from '../../src/db/rule-preview-sql';
import type { RuleRun } from '../../src/db/rule-sources-sql';
import { compileRule } from '../../src/db/rule-sql';
import type { Database } from '../../src/db/tables';

/** Compiles, and has nothing to run it on. */
const compiler = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

type CompileAs = (rule: Rule, run: RuleRun & { maxSample: number }) => RawBuilder<unknown>;

function compile(rule: unknown, compileAs: CompileAs = compileRule): CompiledQuery {
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return compileAs(checked.rule, {
    maxSample: 20,
    workspaceId: '7b0e6f0a-6a1c-4a7e-9d5e-0c3f1a2b4c5d',
    now: new Date('2026-06-15T12:00:00.000Z'),
    timezone: "UTC'; drop table event; --",
    currency: "USD'; drop table event; --",
  }).compile(compiler);
}

/** Every place of the language where a text may stand. */
function everywhere(text: string, path: string): Rule {
  const texts = {
    eq: text,
    neq: text,
    in: [text],
    nin: [text],
    contains: text,
    prefix: text,
    suffix: text,
    has: text,
  };
  const where = [{ prop: path, ...texts }];
  return {
    all: [
      { trait: `plan.${path}`, ...texts },
      { trait: '$email', eq: text, in: [text] },
      {
        not: {
          any: [
            { event: text, where },
            { event: [text, '$page'], agg: 'sum', of: path, gte: 1 },
          ],
        },
      },
      { event: text, agg: 'last', of: path, ...texts },
      { event: '*', agg: 'distinct', of: path, lte: 3, within: '30d' },
      { event: '*', agg: 'first', of: '$week', ...texts },
      { event: text, then: { event: [text], where, within: '1d', not: true }, same: [path, path] },
      { bucket: [0, 12.5], salt: text },
    ],
  };
}

const HOSTILE = [
  `'`,
  `''; drop table event; --`,
  `"; drop table event; --`,
  `$1`,
  `\\'; --`,
  `$$; --`,
  `x') or true --`,
  `/* */`,
  `?`,
  `%s`,
  `\u2019`,
  '${now}',
  'e0',
  '{"a":1}',
];

describe('the SQL of a rule', () => {
  const plain = compile(everywhere('plain', 'plain'));

  it.each(HOSTILE)('is the same text whatever the rule says: %j', (text) => {
    const compiled = compile(everywhere(text, text));
    expect(compiled.sql).toBe(plain.sql);
    expect(compiled.parameters).toHaveLength(plain.parameters.length);
    expect(JSON.stringify(compiled.parameters)).toContain(JSON.stringify(text).slice(1, -1));
  });

  it.each(HOSTILE)('is the same text where it says when to look again, counts and explains: %j', (text) => {
    for (const compileAs of [compileEvaluation, compileCounts, compileWhy]) {
      expect(compile(everywhere(text, text), compileAs).sql).toBe(
        compile(everywhere('plain', 'plain'), compileAs).sql,
      );
    }
  });

  it('binds the keys of audiences, of which only some texts are any', () => {
    expect(compile({ audience: 'vip' }).sql).toBe(compile({ audience: 'drop-table-event' }).sql);
    expect(compile({ audience: 'vip' }).parameters).toContain('vip');
  });

  it('binds numbers, instants and lists too', () => {
    const compileNumbers = (n: number) =>
      compile({
        all: [
          { trait: 'a', eq: n, in: [n], gt: n, before: `${n}-01-01T00:00:00Z` },
          { trait: '$revenue', gte: n, nin: [n] },
          { event: 'a', between: [`${n}h`, `${n}m`], gte: n },
          { event: 'a', then: { event: 'b', within: `${n}h` } },
          { bucket: [n / 100, 99.5] },
        ],
      });
    expect(compileNumbers(7777).sql).toBe(compileNumbers(3333).sql);
    expect(compileNumbers(7777).sql).not.toContain('7777');
  });

  it('never quotes the settings of the workspace either', () => {
    expect(plain.sql).not.toContain('drop table');
    expect(plain.parameters).toContain("UTC'; drop table event; --");
  });

  it('reads the events once, however many leaves ask about them', () => {
    const leaf = { event: 'a', gte: 2 };
    const { sql } = compile({ any: [leaf, leaf, { not: leaf }, leaf] });
    expect(sql.match(/\bfrom event e\b/g)).toHaveLength(1);
    expect(sql.match(/count\(\*\)/g)).toHaveLength(4);
  });

  it('sorts the events once, however many leaves ask what comes next', () => {
    const leaf = { event: 'a', then: { event: 'b', within: '1d' } };
    const { sql } = compile({ any: [leaf, leaf, { not: leaf }] });
    expect(sql.match(/\bfrom event e\b/g)).toHaveLength(1);
    expect(sql.match(/\bover \(/g)).toHaveLength(3);
    expect(new Set(sql.match(/partition by .*?\bpreceding and 1 preceding/gs)).size).toBe(1);
  });

  it('reads no events where no leaf asks about them', () => {
    expect(compile({ trait: 'plan', eq: 'pro' }).sql).not.toMatch(/\bevent e\b/);
  });
});
