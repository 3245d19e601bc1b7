import {
  matching,
  oneOf,
  type Parse,
  parseBucketUrl,
  parseDatabaseUrl,
  parseNetworks,
  parseOrigins,
  parseWebhookOrigins,
  wholeNumber,
} from './config/parse';

/**
 * Every setting of the collector, read once from the environment. One table says each setting's name, how it is
 * parsed, its default and what it is for; `.env.example` and the README's table are generated from it.
 */

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const ENVIRONMENTS = ['development', 'production', 'test'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];
export type Environment = (typeof ENVIRONMENTS)[number];

export interface Setting<T> {
  readonly name: string;
  readonly parse: Parse<Exclude<T, undefined>>;
  readonly default: T;
  /** How the default reads in the docs where the value itself does not say it. */
  readonly defaultText?: string;
  readonly describe: string;
  /** A value that must not be repeated in a message. */
  readonly secret?: boolean;
}

const OURS = 'THROUGHLINE_';
const MEGABYTE = 1024 * 1024;

/** Only here so that each entry's value type is inferred from its parser and default. */
const setting = <T>(entry: Setting<T>): Setting<T> => entry;

export const settings = {
  port: setting({
    name: 'PORT',
    parse: wholeNumber(0, 65535),
    default: 3000,
    describe: 'Port to listen on; 0 takes any free one.',
  }),
  host: setting({
    name: 'HOST',
    parse: matching(/^\S+$/, 'a host name or an address'),
    default: '127.0.0.1',
    describe: 'Address to listen on; 0.0.0.0 to be reached from other machines.',
  }),
  environment: setting<Environment>({
    name: 'NODE_ENV',
    parse: oneOf(ENVIRONMENTS),
    default: 'development',
    describe:
      'production turns the demo shop off and logs a line for each answer; for what pages send and monitoring asks, only if it was refused.',
  }),
  databaseUrl: setting<string | undefined>({
    name: 'DATABASE_URL',
    parse: parseDatabaseUrl,
    default: undefined,
    defaultText: 'a built-in Postgres in the data folder',
    describe: 'Postgres 15 or newer to use.',
    secret: true,
  }),
  dataDir: setting<string | undefined>({
    name: 'THROUGHLINE_DATA_DIR',
    parse: matching(/\S/, 'a folder'),
    default: undefined,
    defaultText: '.throughline',
    describe: 'Folder of the built-in Postgres; unused with DATABASE_URL.',
  }),
  writeKey: setting<string | undefined>({
    name: 'THROUGHLINE_WRITE_KEY',
    parse: matching(/^pk_[A-Za-z0-9]{24,200}$/, 'pk_ and at least 24 letters or digits'),
    default: undefined,
    defaultText: 'generated at the first start',
    describe: "Fixes the first workspace's write key: public, in every page, may only send events.",
    secret: true,
  }),
  secretKey: setting<string | undefined>({
    name: 'THROUGHLINE_SECRET_KEY',
    parse: matching(/^sk_[A-Za-z0-9]{24,200}$/, 'sk_ and at least 24 letters or digits'),
    default: undefined,
    defaultText: 'generated at the first start',
    describe:
      "Fixes the first workspace's secret key: reads and manages everything. throughline import sends it.",
    secret: true,
  }),
  corsOrigins: setting<readonly string[]>({
    name: 'THROUGHLINE_CORS_ORIGINS',
    parse: parseOrigins,
    default: [],
    defaultText: 'none',
    describe: 'Comma-separated origins whose pages may use the read and management API.',
  }),
  trustedProxies: setting<readonly string[]>({
    name: 'THROUGHLINE_TRUSTED_PROXIES',
    parse: parseNetworks,
    default: [],
    defaultText: 'none',
    describe:
      'Comma-separated addresses or networks of proxies whose X-Forwarded-For, -Host and -Proto are believed.',
  }),
  webhookAllow: setting<readonly string[]>({
    name: 'THROUGHLINE_WEBHOOK_ALLOW',
    parse: parseWebhookOrigins,
    default: [],
    defaultText: 'none',
    describe:
      'Comma-separated origins that webhooks may be sent to although they are private or without TLS, such as http://localhost:*; for development, and receivers of your own.',
  }),
  logLevel: setting<LogLevel | undefined>({
    name: 'THROUGHLINE_LOG_LEVEL',
    parse: oneOf(LOG_LEVELS),
    default: undefined,
    defaultText: 'info in production, else warn',
    describe: 'fatal, error, warn, info, debug, trace or silent. Logs are JSON lines on stdout.',
  }),
  groupMaxEvents: setting({
    name: 'THROUGHLINE_GROUP_MAX_EVENTS',
    parse: wholeNumber(1, 10_000),
    default: 500,
    describe: 'Events that a writer commits together at most. More: fewer commits, longer ones.',
  }),
  groupMaxWaitMs: setting({
    name: 'THROUGHLINE_GROUP_MAX_WAIT_MS',
    parse: wholeNumber(0, 1000),
    default: 2,
    describe:
      'How long the first event of a group waits for more while a writer is free, in milliseconds. More: fewer commits while little comes, and later answers.',
  }),
  writers: setting({
    name: 'THROUGHLINE_WRITERS',
    parse: wholeNumber(1, 32),
    default: 2,
    describe:
      'Groups that are committed at the same time, each on its own connection. More helps only where Postgres has processors to spare.',
  }),
  maxBytesInFlight: setting<number | undefined>({
    name: 'THROUGHLINE_MAX_BYTES_IN_FLIGHT',
    parse: wholeNumber(MEGABYTE, 1024 * MEGABYTE),
    default: undefined,
    defaultText: '268435456, or an eighth of the heap where that is less',
    describe:
      'Memory for events from their first byte to their commit, beyond which new ones are answered 503.',
  }),
  exportDir: setting<string | undefined>({
    name: 'THROUGHLINE_EXPORT_DIR',
    parse: matching(/\S/, 'a folder'),
    default: undefined,
    defaultText: 'none',
    describe: 'Folder that POST /v1/exports and throughline export write to.',
  }),
  exportBucketUrl: setting<string | undefined>({
    name: 'THROUGHLINE_EXPORT_BUCKET_URL',
    parse: parseBucketUrl,
    default: undefined,
    defaultText: 'none',
    describe:
      'Address of an S3-compatible bucket, and of a folder in it, that exports are written to: https://s3.eu-central-1.amazonaws.com/bucket/folder.',
  }),
  exportBucketRegion: setting({
    name: 'THROUGHLINE_EXPORT_BUCKET_REGION',
    parse: matching(/^[a-z0-9-]{1,50}$/, 'a region like eu-central-1'),
    default: 'us-east-1',
    describe: 'Region of the bucket; auto for Cloudflare R2.',
  }),
  exportAccessKeyId: setting<string | undefined>({
    name: 'THROUGHLINE_EXPORT_ACCESS_KEY_ID',
    parse: matching(/^[\x21-\x7e]{3,200}$/, 'an access key’s ID'),
    default: undefined,
    defaultText: 'none',
    describe: "ID of the bucket's access key, which may read, write and delete there.",
  }),
  exportSecretAccessKey: setting<string | undefined>({
    name: 'THROUGHLINE_EXPORT_SECRET_ACCESS_KEY',
    parse: matching(/^[\x21-\x7e]{3,200}$/, 'an access key’s secret'),
    default: undefined,
    defaultText: 'none',
    describe: "The access key's secret.",
    secret: true,
  }),
  metricsToken: setting<string | undefined>({
    name: 'THROUGHLINE_METRICS_TOKEN',
    parse: matching(/^[\x21-\x7e]{16,200}$/, 'at least 16 characters without spaces'),
    default: undefined,
    defaultText: 'none: no metrics',
    describe: 'Opens /metrics to whoever sends it as a bearer token.',
    secret: true,
  }),
  shutdownGraceMs: setting({
    name: 'THROUGHLINE_SHUTDOWN_GRACE_MS',
    parse: wholeNumber(0, 600_000),
    default: 10_000,
    describe: 'How long a stop waits for requests that were already accepted, in milliseconds.',
  }),
} as const;

type Values = {
  readonly [Key in keyof typeof settings]: (typeof settings)[Key] extends Setting<infer T> ? T : never;
};

export interface Config extends Omit<Values, 'logLevel'> {
  readonly logLevel: LogLevel;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads all settings, or names every problem at once: values that are not what their setting asks for (they never
 * become the default), and variables with our prefix that are no setting.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ConfigResult {
  const problems: string[] = [];
  const values = Object.entries<Setting<unknown>>(settings).map(([key, entry]) => {
    const text = env[entry.name];
    if (text === undefined) return [key, entry.default];
    const parsed = entry.parse(text);
    if (parsed.ok) return [key, parsed.value];
    problems.push(`${entry.name} must be ${parsed.expected}${shownValue(entry, text)}`);
    return [key, undefined];
  });
  problems.push(...unknownVariables(Object.keys(env)));
  if (problems.length > 0) return { ok: false, problems };

  const read = Object.fromEntries(values) as Values;
  const calmestUseful = read.environment === 'production' ? 'info' : 'warn';
  return { ok: true, config: { ...read, logLevel: read.logLevel ?? calmestUseful } };
}

function shownValue(entry: Setting<unknown>, text: string): string {
  if (text === '') return ', but it is set and empty: give it a value or unset it';
  return entry.secret ? '' : `, not ${JSON.stringify(text)}`;
}

function unknownVariables(names: readonly string[]): string[] {
  const known = Object.values(settings).map(({ name }) => name);
  return names
    .filter((name) => name.startsWith(OURS) && !known.includes(name))
    .sort()
    .map((name) => {
      const [closest] = known
        .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
        .sort((a, b) => a.distance - b.distance);
      const isNear = closest !== undefined && closest.distance <= 4;
      return isNear ? `${name} is no setting; did you mean ${closest.candidate}?` : `${name} is no setting`;
    });
}

/** Insertions, deletions and substitutions between two names (Levenshtein, one row at a time). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const substituted = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
