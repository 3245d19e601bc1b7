/** examples/next as it is: built and started, opened in Chromium, clicked through. Next.js is a package of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium';
import { startCollector, type StartedCollector } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { ROOT } from '../support/documents';
import { visitExample } from '../support/example-visit';

const FOLDER = join(ROOT, 'examples', 'next');
const NEXT = join(FOLDER, 'node_modules', 'next', 'dist', 'bin', 'next');

let database: TestDatabase;
let collector: StartedCollector;
let browser: Browser;
let app: ChildProcess;
let url: string;

beforeAll(async () => {
  if (!existsSync(NEXT)) throw new Error('Run `npm run build` and `npm ci --prefix examples/next` before.');
  database = await createTestDatabase();
  [collector, browser] = await Promise.all([
    startCollector({ env: { DATABASE_URL: database.url } }),
    launchChromium(),
  ]);
  const env = {
    ...process.env,
    NODE_ENV: 'production' as const,
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_COLLECTOR: collector.url,
    NEXT_PUBLIC_WRITE_KEY: collector.writeKey,
  };
  await promisify(execFile)(process.execPath, [NEXT, 'build'], { cwd: FOLDER, env });
  app = spawn(process.execPath, [NEXT, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: FOLDER,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await new Promise((resolve, reject) => {
    let output = '';
    app.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    app.once('close', () => reject(new Error(`Next.js did not start:\n${output}`)));
  });
});
afterAll(async () => {
  app?.kill('SIGKILL');
  await browser?.close();
  await collector?.stop();
  await database?.close();
});

it('renders on the server, and records what somebody does, once each, as theirs', async () => {
  expect(await (await fetch(url)).text()).toContain('<h1>Mugs</h1>');
  await visitExample({
    collector,
    browser,
    url,
    hasPages: true,
    expected: ['page', 'page', 'track Product Added', 'identify'],
  });
});
