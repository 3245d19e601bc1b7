/** What the operator reads in production: a line for each answer, and none for each event. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';

const WRITE_KEY = 'pk_0123456789abcdefABCDEFGH';
const SECRET_KEY = 'sk_0123456789abcdefABCDEFGH';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

let database: TestDatabase;
const started: StartedCollector[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await Promise.all(started.map((collector) => collector.stop()));
  await database.close();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<StartedCollector> {
  const collector = await startCollector({
    env: {
      ...{ DATABASE_URL: database.url, NODE_ENV: 'production' },
      ...{ THROUGHLINE_WRITE_KEY: WRITE_KEY, THROUGHLINE_SECRET_KEY: SECRET_KEY },
      ...env,
    },
  });
  started.push(collector);
  return collector;
}

const answers = (collector: StartedCollector): readonly Line[] =>
  collector
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === 'Answered.');

/** One that is refused and one that reads, behind all that is frequent: whoever sees their lines sees all there are. */
async function ask({ url }: StartedCollector): Promise<void> {
  const event = JSON.stringify({ event: 'Seen', anonymousId: 'a1' });
  for (const path of ['/health', '/ready', '/sdk.js', `/v1/pixel.gif?writeKey=${WRITE_KEY}`]) {
    await fetch(url + path);
  }
  const post = (writeKey: string) =>
    fetch(`${url}/v1/track?writeKey=${writeKey}`, { method: 'POST', body: event });
  expect((await post(WRITE_KEY)).status).toBe(200);
  expect((await post('pk_wrong')).status).toBe(401);
  const { status } = await fetch(`${url}/v1/profiles?search=somebody`, {
    headers: { authorization: `Bearer ${SECRET_KEY}` },
  });
  expect(status).toBe(200);
}

test('in production each answer is one line; events that were taken, and what watchmen ask, are none', async () => {
  const collector = await start();
  await ask(collector);
  await vi.waitFor(() => expect(answers(collector)).toHaveLength(2), { timeout: 30_000 });
  const [refused, read] = answers(collector);
  expect(refused).toMatchObject({ level: 30, method: 'POST', path: '/v1/track', status: 401 });
  expect(read).toMatchObject({ level: 30, method: 'GET', path: '/v1/profiles', status: 200 });
  expect(read).toMatchObject({ reqId: expect.any(String), ms: expect.any(Number) });
});

test('an address that nobody serves, or that cannot be decoded, is one line too, without its query', async () => {
  const collector = await start();
  for (const path of ['/wp-login.php?key=pk_secret', '/v1/%E0%A4%A', '/v1/track'])
    await fetch(collector.url + path);
  await vi.waitFor(() => expect(answers(collector)).toHaveLength(3), { timeout: 30_000 });
  expect(answers(collector).map(({ method, path, status }) => [method, path, status])).toEqual([
    ['GET', '/wp-login.php', 404],
    ['GET', '/v1/%E0%A4%A', 400],
    ['GET', '/v1/track', 404],
  ]);
  expect(collector.output()).not.toContain('pk_secret');
});

test('no line tells a key, a query or an address', async () => {
  const collector = await start({ THROUGHLINE_LOG_LEVEL: 'debug' });
  await ask(collector);
  await vi.waitFor(() => expect(answers(collector)).toHaveLength(7), { timeout: 30_000 });
  expect(answers(collector).map(({ level, path }) => [level, path])).toEqual([
    [20, '/health'],
    [20, '/ready'],
    [20, '/sdk.js'],
    [20, '/v1/pixel.gif'],
    [20, '/v1/track'],
    [30, '/v1/track'],
    [30, '/v1/profiles'],
  ]);
  expect(JSON.stringify(answers(collector))).not.toMatch(/pk_|sk_|writeKey|somebody|127\.0\.0\.1/);
});
