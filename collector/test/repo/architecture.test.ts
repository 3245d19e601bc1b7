import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { findCycles, type Import, importsIn, readSources, type SourceFile } from '../support/imports';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const collector = readSources(join(ROOT, 'collector', 'src'));
const sdk = readSources(join(ROOT, 'sdk', 'src'));
const webConsole = readSources(join(ROOT, 'collector', 'console', 'src'));

/**
 * Who may import whom. A zone is a folder, or a file beside the folders; a folder and a file of the same name are one
 * zone. `type:x` allows types only, which are gone at run time; `node:*` is any module of Node. A zone may always
 * import itself.
 */
type Table = Readonly<Record<string, readonly string[]>>;

const FASTIFY = ['fastify', '@fastify/type-provider-typebox', '@fastify/static', 'cookie'];

const COLLECTOR: Table = {
  // Pure: no time, no randomness, no input, no output. Hashing is arithmetic.
  core: ['node:crypto', 'ipaddr.js'],
  queue: [],
  db: ['core', 'kysely', 'pg', 'node:*'],
  // It waits between tries.
  ingest: ['core', 'db', 'queue', 'type:pg', 'node:timers/promises'],
  // Reads in one snapshot on connections of its own; what it records takes the way of all events.
  decide: ['core', 'db', 'type:ingest', 'type:kysely', 'type:pg'],
  routes: [
    ...['core', 'db', 'errors', 'schema', 'access', 'live-feed', 'scripts'],
    ...['type:ingest', 'type:decide', 'type:metrics', 'type:queue', 'type:config', 'type:delivery'],
    // An import answers its errors by itself, in its last line.
    ...['import', 'failure', 'type:long-requests'],
    // Files of rows.
    'export',
    // What a route says of the pages that may call it.
    'type:@fastify/cors',
    ...[...FASTIFY, 'type:kysely', 'node:*'],
  ],
  // A long stream, fed to the same queue as everything else.
  import: ['core', 'errors', 'queue', 'type:ingest', 'node:*'],
  // What leaves as files.
  export: ['core', 'db', 'hyparquet-writer', 'aws4fetch', 'type:fastify', 'type:kysely', 'node:*'],
  failure: ['db', 'decide', 'errors', 'queue'],
  'long-requests': ['type:node:http', 'type:node:net'],
  schema: ['core', '@fastify/type-provider-typebox'],
  errors: [],
  access: ['core', 'db', 'errors', 'type:fastify', 'type:kysely', 'cookie'],
  'live-feed': ['type:db'],
  scripts: ['node:*'],
  worker: ['db', 'delivery', 'export', 'membership', 'regulation', 'upkeep', 'type:fastify', 'type:kysely'],
  // Audiences, by what happened and by the clock.
  membership: ['db', 'type:fastify', 'type:kysely'],
  // To destinations.
  delivery: ['core', 'db', 'type:fastify', 'type:kysely', 'node:*'],
  // Takes the locks of the write path, and divides as it does.
  regulation: ['core', 'db', 'ingest', 'type:fastify', 'type:kysely', 'node:timers/promises'],
  upkeep: ['db', 'type:fastify', 'type:kysely'],
  metrics: [
    ...[
      'type:core',
      'type:db',
      'type:queue',
      'type:delivery',
      'type:ingest',
      'type:membership',
      'type:upkeep',
      'prom-client',
    ],
    // It waits for the database for a moment only.
    'node:timers/promises',
  ],
  // What an address is.
  config: ['node:net'],
  'config-docs': ['config'],
  environment: ['node:*'],
  folders: ['node:*'],
  logger: ['type:config', 'fastify'],
  'request-log': ['fastify'],
  banner: [],
  // What the demo shop shows.
  demo: ['core', 'db', 'type:kysely'],
  'silent-connections': ['type:node:http', 'type:node:net'],
  // Fastify's own compilers, to be called later.
  'lazy-schemas': ['@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler', 'type:fastify'],
  openapi: ['schema', 'type:fastify'],
  // The Postgres of our own knows nothing of what is stored in it.
  embedded: ['node:*'],
  // The joiners.
  app: [
    ...[
      'routes',
      'access',
      'errors',
      'failure',
      'lazy-schemas',
      'long-requests',
      'openapi',
      'request-log',
      'silent-connections',
    ],
    ...[...FASTIFY, '@fastify/cors', '@fastify/swagger', '@fastify/swagger-ui'],
  ],
  deps: [
    ...[
      'banner',
      'config',
      'core',
      'db',
      'decide',
      'delivery',
      'embedded',
      'folders',
      'ingest',
      'metrics',
      'worker',
      'type:routes',
      'type:fastify',
    ],
    'node:*',
  ],
  main: [
    ...['app', 'banner', 'config', 'core', 'db', 'demo', 'deps', 'embedded', 'environment', 'logger'],
    'type:fastify',
    'node:*',
  ],
  cli: [
    ...['main', 'deps', 'db', 'embedded', 'export', 'logger', 'node:*'],
    // It sends a file to a collector, which may be another one than would start here.
    ...['banner', 'core', 'type:config', 'type:import', 'cli-progress'],
  ],
};

const SDK: Table = {
  core: [],
  browser: ['core', 'type:options', 'type:api', 'idb-keyval'],
  react: ['errors', 'type:api', 'react'],
  vue: ['errors', 'type:api', 'vue'],
  // Runs on a server: nothing of the browser's.
  node: ['core', 'errors', 'node:*', '../package.json'],
  errors: [],
  // What a page may call and be told, as types.
  api: ['type:core'],
  options: ['errors', 'type:api', 'type:core'],
  tracker: ['core', 'browser', 'options', 'type:api', '../package.json'],
  // A tracker that is there only while the visitor has agreed to it.
  consent: ['tracker', 'withdrawable', 'core', 'browser', 'type:options', 'type:api'],
  withdrawable: ['tracker', 'core', 'browser', 'type:options'],
  'create-tracker': ['consent', 'tracker', 'core', 'browser', 'options', 'type:api'],
  'script-tag': ['type:tracker', 'type:options', 'type:api'],
  script: ['tracker', 'script-tag', 'options'],
  'script-full': ['consent', 'script-tag', 'options'],
  index: ['create-tracker', 'type:options', 'type:api', 'type:core'],
  // Entry points of their own: of the tracker they know its public calls only.
  entry: ['errors'],
  autocapture: ['core', 'entry', 'browser'],
  'web-vitals': ['core', 'entry', 'web-vitals'],
  experiments: ['core', 'entry', 'errors'],
};

/** Where things are made and joined. Everybody else is given what they need. */
const JOINERS = [
  'tracker.ts',
  'consent.ts',
  'withdrawable.ts',
  'create-tracker.ts',
  'script-full.ts',
  'node/tracker.ts',
  'script.ts',
  'index.ts',
  'main.ts',
  'cli.ts',
  'cli/export-command.ts',
  'deps.ts',
  'app.ts',
];
/** A zone's own entry that makes what only it uses. */
const OWN_FACTORIES = [
  // The write path is a queue and what writes; nothing else has one.
  'ingest.ts createGroupCommit',
  // An encoder is as long as its answer.
  'routes/audience-export.ts createRowEncoder',
  // One feed, as long as its route; the app closes it with the route's own hook.
  'routes/events.ts createLiveFeed',
  // What is done by the clock to audiences and to partitions, for destinations and warehouses, is the worker's.
  'worker.ts createDeliveryKeeper',
  'worker.ts createExportKeeper',
  'worker.ts createMembershipKeeper',
  'worker.ts createPartitionKeeper',
];

const MAX_LINES = 300;
/** Longer all the same, and only ever shorter from here. */
const LONGER: Readonly<Record<string, number>> = {};
const FORBIDDEN_NAMES = /^(utils?|helpers?|common|shared|misc|managers?|services?|types|index)$/;

const zoneOf = (path: string): string => path.split('/')[0]!.replace(/\.tsx?$/, '');

function forbiddenIn(files: readonly SourceFile[], table: Table): string[] {
  return files.flatMap(({ imports }) => imports.filter((edge) => !isAllowed(edge, table)).map(show));
}

function isAllowed(edge: Import, table: Table): boolean {
  const zone = zoneOf(edge.from);
  const isOutside = edge.to.startsWith('../');
  const target = edge.isRelative && !isOutside ? zoneOf(edge.to) : edge.to;
  if (edge.isRelative && target === zone) return true;
  const allowed = table[zone] ?? [];
  const wanted = target.startsWith('node:') ? [target, 'node:*'] : [target];
  return wanted.some((name) => allowed.includes(name) || (edge.isType && allowed.includes(`type:${name}`)));
}

const show = ({ from, specifier, isType }: Import): string =>
  `${from} → ${isType ? 'type ' : ''}${specifier}`;

/** Factories of another zone that somebody calls who is no joiner. core makes values; db's functions are queries. */
function foreignFactories(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !JOINERS.includes(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ isRelative, to }) => isRelative && !['core', 'db', zoneOf(path)].includes(zoneOf(to)))
        .flatMap(({ names }) => names.filter((name) => /^(create|open)[A-Z]/.test(name)))
        .map((name) => `${path} ${name}`),
    );
}

/** Files to which no way of imports leads from the entries: tests alone would use them. */
function unreached(files: readonly SourceFile[], entries: readonly string[]): string[] {
  const byName = new Map(files.map((file) => [file.path.replace(/\.tsx?$/, ''), file]));
  const reached = new Set<string>();
  const walk = (file: SourceFile | undefined): void => {
    if (file === undefined || reached.has(file.path)) return;
    reached.add(file.path);
    for (const { to } of file.imports) walk(byName.get(to.replace(/\.(js|tsx?)$/, '')));
  };
  for (const entry of entries) walk(files.find(({ path }) => path === entry));
  return files.map(({ path }) => path).filter((path) => !reached.has(path));
}

/** Names in a file's code, and texts that are one word, such as keys and columns. */
function identifiersIn(path: string, text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.push(node.text);
    else if (ts.isStringLiteralLike(node) && /^\w+$/.test(node.text)) names.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false));
  return names;
}

/** Each idea has one word (ARCHITECTURE.md); these are its rivals. */
const FOREIGN_WORDS = new Set(['person', 'contact', 'customer', 'tenant', 'cohort', 'segment']);

/** The names with a rival in them: `customerId`, `tenant_id`. */
function foreignWords(names: readonly string[]): string[] {
  const wordsOf = (name: string): string[] =>
    name
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .split('_');
  return names.filter((name) => wordsOf(name).some((word) => FOREIGN_WORDS.has(word.replace(/s$/, ''))));
}

/** Files that only pass names on. */
function barrels(files: readonly SourceFile[]): string[] {
  const isPassedOn = (line: string): boolean =>
    /^(export (type )?(\{[^}]*\}|\*).* from '\.|\s*(\/\/|\/?\*)|\s*$)/.test(line);
  return files.filter(({ text }) => text.split('\n').every(isPassedOn)).map(({ path }) => path);
}

describe('the sources that are checked', () => {
  it('are all there', () => {
    expect(collector.length).toBeGreaterThan(90);
    expect(sdk.length).toBeGreaterThan(20);
    expect(webConsole.length).toBeGreaterThan(30);
    expect(collector.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
    expect(sdk.flatMap(({ imports }) => imports).length).toBeGreaterThan(60);
  });

  it('have a row in the table for every zone, and no row without a zone', () => {
    for (const [files, table] of [
      [collector, COLLECTOR],
      [sdk, SDK],
    ] as const) {
      expect(Object.keys(table).sort()).toEqual([...new Set(files.map(({ path }) => zoneOf(path)))].sort());
    }
  });
});

describe('imports', () => {
  it('of the collector follow the table', () => {
    expect(forbiddenIn(collector, COLLECTOR)).toEqual([]);
  });

  it('of the SDK follow the table', () => {
    expect(forbiddenIn(sdk, SDK)).toEqual([]);
  });

  it('of the console stay in the console, beside Preact', () => {
    const packages = ['preact', 'preact/hooks', 'preact-iso', '@preact/signals'];
    const outside = webConsole
      .flatMap(({ imports }) => imports)
      .filter(({ to, isRelative }) => (isRelative ? to.startsWith('..') : !packages.includes(to)));
    expect(outside.map(show)).toEqual([]);
  });

  it('name a file, never a folder, and pass through no barrel', () => {
    const all = [...collector, ...sdk, ...webConsole];
    const vague = all
      .flatMap(({ imports }) => imports)
      .filter(({ specifier }) => /^\.{1,2}(\/\.\.)*\/?$|\/$|\/index(\.\w+)?$/.test(specifier));
    expect(vague.map(show)).toEqual([]);
    expect([...barrels(collector), ...barrels(webConsole)]).toEqual([]);
    // What the npm package gives.
    expect(barrels(sdk)).toEqual(['index.ts']);
  });

  it('go in no circle, types included', () => {
    for (const files of [collector, sdk, webConsole])
      expect(findCycles(files, { withTypes: true })).toEqual([]);
  });
});

describe('every file', () => {
  it('is part of the program, or named here with why it is not', () => {
    const apart = [
      // Writes documents: collector/scripts/generate-docs.ts.
      'config-docs.ts',
      // For members that follow events and the clock.
      'core/rule-references.ts',
      'db/rule-evaluation-sql.ts',
    ];
    const sdkEntries = ['autocapture', 'web-vitals', 'experiments'].flatMap((name) => [
      `${name}/${name}.ts`,
      `${name}/script.ts`,
    ]);
    const idle = [
      ...unreached(collector, ['main.ts', 'cli.ts']),
      ...unreached(sdk, [
        'index.ts',
        'script.ts',
        'script-full.ts',
        'node/tracker.ts',
        'react/react.ts',
        'vue/vue.ts',
        ...sdkEntries,
      ]),
      ...unreached(webConsole, ['main.tsx']),
    ];
    expect(idle.filter((path) => !apart.includes(path))).toEqual([]);
  });
});

describe('construction', () => {
  it('happens where things are joined', () => {
    expect([...foreignFactories(collector), ...foreignFactories(sdk)].sort()).toEqual(OWN_FACTORIES);
  });
});

describe('files', () => {
  const named = (files: readonly SourceFile[], folder: string) =>
    files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
  const all = [
    ...named(collector, 'collector/src'),
    ...named(sdk, 'sdk/src'),
    ...named(webConsole, 'collector/console/src'),
  ];

  it('say in their names what they are', () => {
    const vague = all.filter(({ path }) => FORBIDDEN_NAMES.test(basename(path).replace(/\.tsx?$/, '')));
    expect(vague.map(({ path }) => path)).toEqual(['sdk/src/index.ts']);
    expect(
      all.filter(({ path }) => !/^[a-z0-9-]+\.tsx?$/.test(basename(path))).map(({ path }) => path),
    ).toEqual([]);
  });

  it(`have at most ${MAX_LINES} lines`, () => {
    const long = all
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (LONGER[path] ?? MAX_LINES));
    expect(long).toEqual([]);
  });
});

describe('words', () => {
  it('that another word stands for are not used in code or schema', () => {
    const used = [...collector, ...sdk, ...webConsole].flatMap(({ path, text }) =>
      foreignWords(identifiersIn(path, text)).map((name) => `${path}: ${name}`),
    );
    const migrations = join(ROOT, 'migrations');
    const files = readdirSync(migrations);
    const inSchema = files.flatMap((file) => {
      const statements = readFileSync(join(migrations, file), 'utf8').replace(/--.*$/gm, '');
      return foreignWords(statements.match(/\w+/g) ?? []).map((name) => `${file}: ${name}`);
    });
    expect(files.length).toBeGreaterThan(4);
    expect([...used, ...inSchema]).toEqual([]);
  });
});

describe('the check itself', () => {
  const source = (path: string, text: string): SourceFile => ({ path, text, imports: importsIn(path, text) });

  it.each([
    ['core/event.ts', "import { sql } from 'kysely';"],
    ['core/event.ts', "import type { Kysely } from 'kysely';"],
    ['core/event.ts', "export { x } from '../db/keys';"],
    ['core/event.ts', "const load = () => import('../db/keys');"],
    ['core/event.ts', "let x: import('../db/keys').Access;"],
    ['queue/lanes.ts', "import { x } from '../core/event';"],
    ['routes/ingest.ts', "import { openIngest } from '../ingest';"],
    ['routes/ingest.ts', "import pg from 'pg';"],
    ['ingest/write-group.ts', "import { Pool } from 'pg';"],
    ['db/keys.ts', "import { ApiError } from '../errors';"],
    ['app.ts', "import { createTracker } from '@throughline/sdk';"],
    ['embedded/places.ts', "import '../../../sdk/src/core/wire';"],
  ])('refuses in %s: %s', (path, text) => {
    expect(forbiddenIn([source(path, text)], COLLECTOR)).toHaveLength(1);
  });

  it.each([
    ['core/retry.ts', "import { browserClock } from '../browser/clock';"],
    ['core/uuid.ts', "import { randomUUID } from 'node:crypto';"],
    ['browser/queue.ts', "import { resolveOptions } from '../options';"],
  ])('refuses in the SDK’s %s: %s', (path, text) => {
    expect(forbiddenIn([source(path, text)], SDK)).toHaveLength(1);
  });

  it('finds a circle, also one of types, a barrel and a stray factory', () => {
    const a = source('db/a.ts', "import { b } from './b';");
    const b = source('db/b.ts', "import type { A } from './a';");
    expect(findCycles([a, b], { withTypes: true })).toEqual(['db/a.ts → db/b.ts → db/a.ts']);
    expect(findCycles([a, b], { withTypes: false })).toEqual([]);
    expect(barrels([source('db/all.ts', "export * from './a';\nexport { b } from './b';\n")])).toEqual([
      'db/all.ts',
    ]);
    const stray = source('routes/x.ts', "import { createWorker } from '../worker';");
    expect(unreached([a, b, stray], ['db/a.ts'])).toEqual(['routes/x.ts']);
    const names = ['customerId', 'tenant_id', 'Cohorts', 'subjectId'];
    expect(foreignWords(names)).toEqual(['customerId', 'tenant_id', 'Cohorts']);
    expect(foreignFactories([stray])).toEqual(['routes/x.ts createWorker']);
  });
});
