import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCollector, type StartedCollector, THROUGHLINE } from '../support/collector';
import { createTestDatabase, type TestDatabase } from '../support/database';

const SECRET_KEY = 'sk_0123456789abcdefABCDEFGH';

/** As long as it takes on a busy machine. */
const PATIENCE = { timeout: 30_000, interval: 20 };
const HEAP_MEGABYTES = 128;
const MEGABYTE = 1024 * 1024;

interface AnswerLine {
  readonly bytes: number;
  readonly done?: true;
  readonly error?: { readonly code: string };
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

let database: TestDatabase;
let collector: StartedCollector;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await collector.stop();
  await database.close();
});

async function start(env: Record<string, string> = {}): Promise<void> {
  collector = await startCollector({
    env: { DATABASE_URL: database.url, THROUGHLINE_SECRET_KEY: SECRET_KEY, ...env },
    command: [`--max-old-space-size=${HEAP_MEGABYTES}`, THROUGHLINE, 'start'],
  });
}

const residentMegabytes = (): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(collector.pid)], { encoding: 'utf8' })) / 1024;

function openImport(): ClientRequest {
  const request = send(`${collector.url}/v1/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}` },
  });
  request.on('error', () => undefined);
  return request;
}

async function* answerOf(request: ClientRequest): AsyncGenerator<AnswerLine, void, undefined> {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  for await (const line of createInterface({ input: response })) yield JSON.parse(line) as AnswerLine;
}

const PADDING = 'x'.repeat(1_100);

/** Chunks of lines, as many as there are IDs and then the same ones again. */
function* chunksOf(lines: number, ids: number): Generator<string, void, undefined> {
  const inChunk = 100;
  for (let from = 0; from < lines; from += inChunk) {
    let chunk = '';
    for (let number = from; number < from + inChunk; number += 1) {
      chunk += `{"type":"page","anonymousId":"visitor-${number % 500}","messageId":"page-${number % ids}","properties":{"text":"${PADDING}"}}\n`;
    }
    yield chunk;
  }
}

describe('an import that is larger than its collector’s heap', () => {
  it('is taken in at flat memory, however little may wait to be written', { timeout: 300_000 }, async () => {
    // Less than two batches: every second one finds the queue full, and waits.
    await start({ THROUGHLINE_MAX_BYTES_IN_FLIGHT: String(MEGABYTE) });
    const request = openImport();
    Readable.from(chunksOf(120_000, 5_000)).pipe(request);
    const resident: number[] = [];
    let last: AnswerLine | undefined;
    for await (const line of answerOf(request)) {
      resident.push(residentMegabytes());
      last = line;
    }

    expect(last).toMatchObject({ done: true, accepted: 5_000, duplicates: 115_000, rejected: 0 });
    expect(last!.bytes).toBeGreaterThan(HEAP_MEGABYTES * MEGABYTE);
    expect(resident.length).toBeGreaterThan(2);
    // Measured: 18 MB from the first second to the last, of 200,000 lines too.
    expect(Math.max(...resident) - resident[0]!).toBeLessThan(HEAP_MEGABYTES / 2);
  });
});

describe('a stop during an import', () => {
  it('ends it with a line that says so, and everything that it counted is stored', async () => {
    await start();
    const request = openImport();
    const sending = Readable.from(chunksOf(10_000_000, 10_000_000));
    sending.pipe(request);
    const answer = answerOf(request);
    expect((await answer.next()).value).not.toHaveProperty('done');
    collector.kill('SIGTERM');
    let last: AnswerLine | undefined;
    for await (const line of answer) last = line;
    sending.destroy();
    request.destroy();
    expect(last).toMatchObject({ error: { code: 'shutting_down' } });
    expect(await collector.ended).toBe(0);

    await start();
    const counted = last!.accepted + last!.duplicates;
    expect(counted).toBeGreaterThan(0);
    const again = openImport();
    Readable.from(chunksOf(counted, 10_000_000)).pipe(again);
    for await (const line of answerOf(again)) last = line;
    expect(last).toMatchObject({ done: true, accepted: 0, duplicates: counted });
  });

  it('ends it also where its sender has fallen silent', async () => {
    await start();
    const request = openImport();
    for (const chunk of chunksOf(500, 500)) request.write(chunk);
    // Its first batch is written: it runs, and waits for more.
    await vi.waitFor(async () => {
      const response = await fetch(`${collector.url}/v1/profiles/anonymous:visitor-499`, {
        headers: { authorization: `Bearer ${SECRET_KEY}` },
      });
      expect(response.status).toBe(200);
    }, PATIENCE);
    expect(await collector.stop()).toBe(0);
  });
});
