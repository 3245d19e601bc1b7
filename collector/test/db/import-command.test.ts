import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { type FinishedRun, runCommand, THROUGHLINE } from '../support/collector';

let api: Api;
let folder: string;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-import-'));
  return () => rmSync(folder, { recursive: true });
});

let user = 0;
/** Lines of somebody whom no other test knows. */
const linesOf = (count: number): string => {
  user += 1;
  return Array.from(
    { length: count },
    (_, index) => `{"type":"track","event":"Visited ${index}","userId":"user-${user}"}\n`,
  ).join('');
};

function write(content: string | Uint8Array): string {
  const path = join(folder, 'history.ndjson');
  writeFileSync(path, content);
  return path;
}

const throughlineImport = (
  args: readonly string[],
  { input, ...env }: Record<string, string> = {},
): Promise<FinishedRun> =>
  runCommand([THROUGHLINE, 'import', ...args], {
    env: { THROUGHLINE_SECRET_KEY: api.secretKey, ...env },
    ...(input === undefined ? {} : { input }),
  });

async function eventsOfUser(): Promise<number> {
  return (await api.get(`/v1/profiles/user:user-${user}`)).body.events as number;
}

describe('throughline import', () => {
  it('sends a file, says how it went, and sends it again without harm', async () => {
    const path = write(linesOf(1_200));
    const first = await throughlineImport([path, '--host', api.url]);
    expect(first).toEqual({ code: 0, output: 'Done: 1,200 accepted, 0 duplicates, 0 rejected.\n' });
    expect(await eventsOfUser()).toBe(1_200);
    const again = await throughlineImport([path, '--host', `${api.url}/`]);
    expect(again).toEqual({ code: 0, output: 'Done: 0 accepted, 1,200 duplicates, 0 rejected.\n' });
    expect(await eventsOfUser()).toBe(1_200);
  });

  it('sends a packed file as it is', async () => {
    const path = write(gzipSync(linesOf(3)));
    expect((await throughlineImport([path, '--host', api.url])).output).toContain('3 accepted');
    expect(await eventsOfUser()).toBe(3);
  });

  it('sends what is piped in, to where the settings say, with the key that is given', async () => {
    const { hostname: HOST, port: PORT } = new URL(api.url);
    const env = {
      HOST,
      PORT,
      THROUGHLINE_SECRET_KEY: 'sk_00000000000000000000000000000000',
      input: linesOf(2),
    };
    const { code, output } = await throughlineImport(['-', '--key', api.secretKey], env);
    expect([code, output]).toEqual([0, 'Done: 2 accepted, 0 duplicates, 0 rejected.\n']);
    expect(await eventsOfUser()).toBe(2);
  });

  it('ends with 3 when lines were rejected, and names them', async () => {
    const path = write(`${linesOf(1)}nonsense\n${linesOf(1)}{"type":"page"}\n`);
    const { code, output } = await throughlineImport([path, '--host', api.url]);
    expect(code).toBe(3);
    expect(output).toContain('Done: 2 accepted, 0 duplicates, 2 rejected.');
    expect(output).toContain('  Line 2: The line is not valid JSON. (invalid_json)\n');
    expect(output).toContain('  Line 4: An event needs a userId');
    expect(await eventsOfUser()).toBe(1);
  });

  it('says what it is for, and how it ends', async () => {
    const { code, output } = await throughlineImport(['--help']);
    expect(code).toBe(0);
    expect(output).toContain('throughline import FILE');
    expect(output).toContain('THROUGHLINE_SECRET_KEY');
  });

  it.each([
    ['no file', [], 'takes one file'],
    ['two files', ['one', 'two'], 'takes one file'],
    ['an option that it has not', ['x', '--speed', '9'], "Unknown option '--speed'"],
    ['no address', ['x', '--host', 'collector'], '--host must be an address'],
  ])('ends with 2 when it is given %s', async (_what, args, sentence) => {
    const { code, output } = await throughlineImport(args);
    expect([code, output]).toEqual([2, expect.stringContaining(sentence)]);
    expect(output).toContain('Usage: throughline import FILE');
  });

  it('ends with 2 when there is no key', async () => {
    const { code, output } = await runCommand([THROUGHLINE, 'import', write(linesOf(1))], { env: {} });
    expect([code, output]).toEqual([2, expect.stringContaining('An import needs a secret key')]);
  });

  it('ends with 1 when the file cannot be read', async () => {
    const missing = await throughlineImport([join(folder, 'nowhere.ndjson'), '--host', api.url]);
    expect([missing.code, missing.output]).toEqual([1, expect.stringContaining('Cannot read')]);
    const directory = await throughlineImport([folder, '--host', api.url]);
    expect([directory.code, directory.output]).toEqual([1, expect.stringContaining('EISDIR')]);
  });

  it('ends with 1 when the key is wrong, and gives no advice that does not help', async () => {
    const { code, output } = await throughlineImport([
      write(linesOf(1)),
      '--host',
      api.url,
      '--key',
      'sk_wrong',
    ]);
    expect(code).toBe(1);
    expect(output).toBe('The collector refused the import: A valid key is required.\n');
  });
});

describe('an import that breaks off', () => {
  let peer: Server;
  beforeEach(() => () => peer.close());

  async function listen(answer: Parameters<typeof createServer>[1]): Promise<string> {
    peer = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => peer.once('listening', resolve));
    return `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  }

  const NDJSON = { 'content-type': 'application/x-ndjson' };
  const counts = '"lines":500,"bytes":9000,"accepted":499,"duplicates":1,"rejected":0';

  it('says what was committed and that the same again is harmless, when the connection is cut', async () => {
    const host = await listen((request, response) => {
      response.writeHead(200, NDJSON).write(`{${counts}}\n`);
      request.on('end', () => response.destroy()).resume();
    });
    const { code, output } = await throughlineImport([write(linesOf(900)), '--host', host]);
    expect(code).toBe(1);
    expect(output).toContain('499 accepted, 1 duplicate, 0 rejected');
    expect(output).toContain('The import broke off');
    expect(output).toContain('Committed until then: 499 accepted');
    expect(output).toContain('Run it again');
  });

  it('stops sending at once when the collector says that it cannot go on', async () => {
    const host = await listen((_request, response) => {
      // The body is never read: who waited until all is sent would wait for ever.
      response
        .writeHead(200, NDJSON)
        .write(`{"error":{"code":"shutting_down","message":"The collector stops."},${counts}}\n`);
    });
    const path = write(linesOf(200_000));
    const { code, output } = await throughlineImport([path, '--host', host]);
    expect([code, output]).toEqual([
      1,
      expect.stringContaining('The import broke off: The collector stops.'),
    ]);
  });

  it.each([502, 200])('says that what answers is no collector, even with %i', async (status) => {
    const host = await listen((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>A page</h1>');
    });
    const { code, output } = await throughlineImport([write(linesOf(1)), '--host', host]);
    expect([code, output]).toEqual([1, expect.stringContaining(`It answers ${status}`)]);
  });

  it('says that nobody is there', async () => {
    const host = await listen(() => undefined);
    await new Promise((resolve) => peer.close(resolve));
    const { code, output } = await throughlineImport([write(linesOf(1)), '--host', host]);
    expect([code, output]).toEqual([1, expect.stringContaining('cannot be reached (ECONNREFUSED)')]);
  });
});
