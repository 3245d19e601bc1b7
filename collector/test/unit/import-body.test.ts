import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readImportBody } from '../../src/import/import-body';

const open = (raw: Readable, { ending = new AbortController(), idleMs = 60_000 } = {}) =>
  readImportBody(raw, { signal: ending.signal, idleMs });

async function readAll(raw: Readable): Promise<string> {
  const body = open(raw);
  let text = '';
  for (let chunk = await body.read(); chunk !== null; chunk = await body.read())
    text += Buffer.from(chunk).toString();
  return text;
}

const inPieces = (bytes: Buffer) => Readable.from([...bytes].map((byte) => Buffer.from([byte])));

describe('the body of an import', () => {
  it('is read as it is, or unpacked, also where it comes byte by byte', async () => {
    expect(await readAll(inPieces(Buffer.from('one\ntwo')))).toBe('one\ntwo');
    expect(await readAll(inPieces(gzipSync('one\ntwo')))).toBe('one\ntwo');
    expect(await readAll(Readable.from([]))).toBe('');
  });

  it('is given up when its sender falls silent', async () => {
    const raw = new PassThrough();
    raw.write('one\n');
    const body = open(raw, { idleMs: 20 });
    expect(Buffer.from((await body.read())!).toString()).toBe('one\n');
    await expect(body.read()).rejects.toMatchObject({ code: 'request_timeout' });
    // What goes out on its connection still can.
    expect(raw.destroyed).toBe(false);
  });

  it('is waited for no longer when the import ends', async () => {
    const ending = new AbortController();
    const raw = new PassThrough();
    const read = open(raw, { ending }).read();
    ending.abort(new Error('The collector stops.'));
    await expect(read).rejects.toThrow('The collector stops.');
    expect(raw.destroyed).toBe(false);
  });

  it.each([
    ['a connection that breaks', Object.assign(new Error('aborted'), { code: 'ECONNRESET' })],
    ['a connection that closes', undefined],
  ])('says of %s that the sender has gone, packed or not', async (_what, error) => {
    for (const beginning of [Buffer.from('one\n'), gzipSync('one\n').subarray(0, 12)]) {
      const raw = new PassThrough();
      raw.write(beginning);
      const body = open(raw);
      const read = (async () => {
        for (let chunk = await body.read(); chunk !== null; chunk = await body.read());
      })();
      raw.once('resume', () => setImmediate(() => raw.destroy(error)));
      setImmediate(() => raw.destroy(error));
      await expect(read).rejects.toMatchObject({ code: 'invalid_body' });
    }
  });
});
