import { connect, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  // As in production, only sooner.
  api = await openApi({ timeouts: { headersMs: 300, requestMs: 600, checkEveryMs: 50 } });
});
afterAll(() => api.close());

const BODY = JSON.stringify({ batch: [{ type: 'page', anonymousId: 'slow' }] });
const headOf = (length: number): string =>
  `POST /v1/batch?writeKey=${api.writeKey} HTTP/1.1\r\nhost: collector\r\n` +
  `content-type: application/json\r\ncontent-length: ${length}\r\n`;

interface Caller {
  readonly socket: Socket;
  /** What it was told before the collector hung up. */
  readonly told: Promise<string>;
}

async function call(text: string): Promise<Caller> {
  const { port, hostname } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  let told = '';
  socket.on('data', (chunk: Buffer) => void (told += chunk.toString()));
  socket.on('error', () => undefined);
  const end = new Promise<string>((resolve) => socket.once('close', () => resolve(told)));
  await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  return { socket, told: end };
}

async function countStored(): Promise<number> {
  const { rows } = await changeWorkspace(api.db, api.workspaceId, (transaction) =>
    sql<{ count: number }>`select count(*) as count from event where anonymous_id = 'slow'`.execute(
      transaction,
    ),
  );
  return rows[0]!.count;
}

describe('a client', () => {
  it('that goes in the middle of its body leaves nothing', async () => {
    const { socket, told } = await call(`${headOf(BODY.length)}\r\n${BODY.slice(0, 30)}`);
    socket.destroy();
    await told;
    expect((await api.batch([{ type: 'page', anonymousId: 'quick' }])).status).toBe(200);
    expect(await countStored()).toBe(0);
  });

  it.each([
    ['its headers', () => headOf(BODY.length)],
    ['its body', () => `${headOf(BODY.length)}\r\n${BODY.slice(0, 30)}`],
  ])(
    'that does not finish %s is told 408 and hung up on; nothing is stored, and others are served',
    async (_what, begin) => {
      const callers = await Promise.all(Array.from({ length: 50 }, () => call(begin())));
      const isOver = Promise.all(callers.map(({ told }) => told));
      let answers: string[] | undefined;
      void isOver.then((all) => (answers = all));
      do {
        expect((await api.batch([{ type: 'page', anonymousId: 'quick' }])).status).toBe(200);
      } while (answers === undefined);
      expect(answers.filter((answer) => !answer.startsWith('HTTP/1.1 408 '))).toEqual([]);
      expect(await countStored()).toBe(0);
    },
  );

  it('that drips its body, a byte at a time, is hung up on as well', async () => {
    const { socket, told } = await call(`${headOf(BODY.length)}\r\n`);
    const drip = setInterval(() => socket.write(' '), 20);
    expect(await told).toMatch(/^HTTP\/1.1 408 /);
    clearInterval(drip);
    expect(await countStored()).toBe(0);
  });
});
