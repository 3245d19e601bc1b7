import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api.close());

interface Served {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Without a client that unpacks by itself. */
function fetchRaw(path: string, headers: Record<string, string> = {}): Promise<Served> {
  return new Promise((resolve, reject) => {
    request(api.url + path, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('the SDK', () => {
  it('is served as small as the browser takes it, to any page', async () => {
    const plain = await fetchRaw('/sdk.js');
    expect(plain.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      vary: 'Accept-Encoding',
    });
    const br = await fetchRaw('/sdk.js', { 'accept-encoding': 'gzip, deflate, br, zstd' });
    expect(br.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
    expect(br.body.length).toBeLessThan(6 * 1024);
    const gzip = await fetchRaw('/sdk.js', { 'accept-encoding': 'gzip' });
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
  });

  it('is not sent again while it is the same', async () => {
    const { headers } = await fetchRaw('/sdk.js');
    const again = await fetchRaw('/sdk.js', { 'if-none-match': String(headers['etag']) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it('has an address that names its bytes, for ever, with what a tag’s integrity must say', async () => {
    const { data } = (await api.call('GET', '/sdk.json', { headers: {} })).body as {
      data: { name: string; path: string; integrity: string; bytes: number }[];
    };
    expect(data.map(({ name }) => name)).toContain('sdk.js');
    for (const { name, path, integrity, bytes } of data) {
      const pinned = await fetchRaw(path, { 'accept-encoding': 'br' });
      expect(pinned.headers).toMatchObject({
        'cache-control': 'public, max-age=31536000, immutable',
        'content-type': 'text/javascript; charset=utf-8',
        'access-control-allow-origin': '*',
        'cross-origin-resource-policy': 'cross-origin',
      });
      expect(pinned.body.length).toBe(bytes);
      const plain = brotliDecompressSync(pinned.body);
      expect(integrity).toBe(`sha384-${createHash('sha384').update(plain).digest('base64')}`);
      expect(plain.equals((await fetchRaw(`/${name}`)).body)).toBe(true);
    }
  });

  it('leads from the address of another release to what is here, and keeps nobody from asking again', async () => {
    const other = await fetchRaw('/sdk/00000000000000000000/sdk.js');
    expect([other.status, other.headers['cache-control']]).toEqual([302, 'no-cache']);
    const there = new URL(String(other.headers['location']), `${api.url}/sdk/00000000000000000000/sdk.js`);
    expect(there.href).toBe(`${api.url}/sdk.js`);
    expect((await fetchRaw('/sdk/00000000000000000000/other.js')).status).toBe(404);
  });
});

describe('the console', () => {
  it('is served compressed, and its assets for ever', async () => {
    const page = await fetchRaw('/console/');
    const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(page.body.toString())![1]!;
    const served = await fetchRaw(script, { 'accept-encoding': 'br' });
    expect(served.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': expect.stringContaining('javascript'),
    });
    const plain = await fetchRaw(script);
    expect(brotliDecompressSync(served.body).equals(plain.body)).toBe(true);
  });
});
