import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';

let api: Api;
let behindProxy: Api;
beforeAll(async () => {
  [api, behindProxy] = await Promise.all([openApi(), openApi({ trustedProxies: ['127.0.0.1'] })]);
});
afterAll(() => Promise.all([api.close(), behindProxy.close()]));

/** Asks with headers that fetch does not let one choose. */
function ask(from: Api, headers: Record<string, string>): Promise<{ integrations: Record<string, object> }> {
  return new Promise((resolve, reject) => {
    const url = `${from.url}/v1/projects/${from.writeKey}/settings`;
    const asked = request(url, { headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve(JSON.parse(text) as { integrations: Record<string, object> }));
    });
    asked.on('error', reject).end();
  });
}

const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'events.example.com' };

describe('the settings of analytics-next', () => {
  it('send events back to where they were asked for, and its metrics nowhere', async () => {
    const { status, headers, body } = await api.call('GET', `/v1/projects/${api.writeKey}/settings`, {
      headers: { origin: 'https://shop.example' },
    });
    expect(status).toBe(200);
    const apiHost = `${new URL(api.url).host}/v1`;
    expect(body).toEqual({
      integrations: { 'Segment.io': { apiKey: api.writeKey, apiHost, protocol: 'http' } },
      metrics: { sampleRate: 0, host: apiHost },
    });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toBe('public, max-age=300');
  });

  it('name the host that was asked for', async () => {
    const { integrations } = await ask(api, { host: 'events.example.com:8443' });
    expect(integrations['Segment.io']).toMatchObject({ apiHost: 'events.example.com:8443/v1' });
  });

  it('believe a proxy that is trusted, and nobody else', async () => {
    expect((await ask(behindProxy, forwarded)).integrations['Segment.io']).toMatchObject({
      apiHost: 'events.example.com/v1',
      protocol: 'https',
    });
    expect((await ask(api, forwarded)).integrations['Segment.io']).toMatchObject({
      apiHost: `${new URL(api.url).host}/v1`,
      protocol: 'http',
    });
  });

  it.each([
    ['an unknown key', () => 'pk_unknown'],
    ['a secret key', () => api.secretKey],
  ])('are not found by %s, and any page may read that', async (_what, key) => {
    const { status, headers, body } = await api.call('GET', `/v1/projects/${key()}/settings`, {
      headers: {},
    });
    expect([status, body.error.code]).toEqual([404, 'not_found']);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toBeNull();
  });

  it('need to know where they were asked for', async () => {
    const { hostname, port } = new URL(api.url);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => {
        socket.write(`GET /v1/projects/${api.writeKey}/settings HTTP/1.0\r\n\r\n`);
      });
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('end', () => resolve(text)).on('error', reject);
    });
    expect(answer).toContain('400 Bad Request');
    expect(answer).toContain('A Host header is required.');
  });
});

describe('the settings of RudderStack’s browser client', () => {
  it('are a source without destinations or statistics', async () => {
    const { status, headers, body } = await api.call(
      'GET',
      `/sourceConfig/?p=npm&v=3.34.1&build=modern&writeKey=${api.writeKey}&lockIntegrationsVersion=true`,
      { headers: { origin: 'https://shop.example', authorization: 'Basic anything' } },
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      source: {
        id: expect.stringMatching(/^[\da-f-]{36}$/),
        enabled: true,
        config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
        destinations: [],
      },
    });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toBe('public, max-age=300');
  });

  it('are not found by an unknown key', async () => {
    const { status } = await api.call('GET', '/sourceConfig?writeKey=pk_unknown', { headers: {} });
    expect(status).toBe(404);
  });
});

describe('the metrics of analytics-next', () => {
  const send = (body: string) =>
    api.call('POST', '/v1/m', {
      body,
      headers: { 'content-type': 'text/plain', origin: 'https://shop.example' },
    });

  it('are taken from any page, without a key, and ignored', async () => {
    const { status, headers, body } = await send(
      '{"series":[{"type":"Counter","metric":"analytics_js.invoke"}]}',
    );
    expect([status, body]).toEqual([204, '']);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect((await send('no JSON at all')).status).toBe(204);
  });

  it('may not be large', async () => {
    expect((await send('x'.repeat(64 * 1024 + 1))).status).toBe(413);
  });
});
