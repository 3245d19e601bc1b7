import type { LookupAddress } from 'node:dns';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWebhooks, type WebhookOptions } from '../../src/delivery/send-webhook';
import { makeCertificate } from '../support/certificate';
import { answer, openReceiver, type Receiver } from '../support/receiver';

const HOST = 'hooks.example.com';
const BODY = JSON.stringify({ data: { changes: [], isTest: true } });
const certificate = makeCertificate(HOST);

let receiver: Receiver;
beforeEach(async () => {
  receiver = await openReceiver(certificate);
});
afterEach(() => receiver.close());

const address = (text: string): LookupAddress => ({ address: text, family: text.includes(':') ? 6 : 4 });
const here = () => Promise.resolve([address('127.0.0.1')]);
/** The receiver by its name, which its certificate is for. */
const named = () => receiver.url.replace('127.0.0.1', HOST);
const origin = () => new URL(named()).origin;

function send(url: string, options: Partial<WebhookOptions> = {}) {
  const webhooks = createWebhooks({ allow: [], resolve: here, ca: certificate.cert, ...options });
  return webhooks.send({ url, headers: { 'webhook-id': 'id' }, body: BODY });
}

describe('a webhook', () => {
  it('goes to the address that was looked at, under the name that the certificate is for', async () => {
    expect(await send(named(), { allow: [origin()] })).toMatchObject({ status: 204, error: null });
    expect(receiver.received[0]!.headers).toMatchObject({
      ...{ host: new URL(named()).host, 'content-type': 'application/json', 'webhook-id': 'id' },
    });
  });

  it('does not go where the certificate is another one’s, or nobody’s', async () => {
    const elsewhere = named().replace(HOST, 'other.example.com');
    const allow = [new URL(elsewhere).origin, origin()];
    expect((await send(elsewhere, { allow })).error).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    const strict = createWebhooks({ allow, resolve: here });
    const answered = await strict.send({ url: named(), headers: {}, body: BODY });
    expect(answered.error).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(receiver.received).toEqual([]);
  });

  it.each([
    ...['127.0.0.1', '10.1.2.3', '169.254.169.254', '100.64.0.1', '::1', 'fd00::1', '::ffff:10.0.0.1'],
    ...['64:ff9b::a00:1', '2002:a00:1::', 'fe80::1%eth0', '224.0.0.1'],
  ])('does not go to a name that is %s, also beside a public address', async (text) => {
    for (const addresses of [[address(text)], [address('8.8.8.8'), address(text)]]) {
      const answered = await send('https://rebound.example.com/', {
        resolve: () => Promise.resolve(addresses),
      });
      expect(answered).toMatchObject({
        status: null,
        error: 'The host has an address that is not of the public internet.',
      });
    }
    expect(receiver.received).toEqual([]);
  });

  it('asks for the addresses once for each request: a name that changes them in between gets nothing', async () => {
    const answers = [[address('203.0.113.1')], [address('127.0.0.1')]];
    let asked = 0;
    const resolve = () => Promise.resolve(answers[asked++]!);
    const webhooks = createWebhooks({ allow: [], resolve, ca: certificate.cert, timeoutMs: 500 });
    for (const tries of [1, 2]) {
      const { status } = await webhooks.send({ url: named(), headers: {}, body: BODY });
      expect([status, asked]).toEqual([null, tries]);
    }
    expect(receiver.received).toEqual([]);
  });

  it('does not follow a redirect, nor leave its address for one', async () => {
    receiver.react = answer(307, { location: 'https://169.254.169.254/' });
    expect(await send(named(), { allow: [origin()] })).toMatchObject({ status: 307 });
    expect(receiver.received).toHaveLength(1);
  });

  it('is given up in time, whether nobody answers or the name has no end', async () => {
    receiver.react = () => undefined;
    const quick = { allow: [origin()], timeoutMs: 200 };
    expect(await send(named(), quick)).toMatchObject({
      status: null,
      error: 'There was no answer within 0.2 s.',
    });
    const never = () => new Promise<LookupAddress[]>(() => undefined);
    expect(await send(named(), { ...quick, resolve: never })).toMatchObject({
      ...{ status: null, error: 'There was no answer within 0.2 s.' },
    });
  });

  it('that was answered but whose answer does not end counts as answered', async () => {
    receiver.react = (_seen, response) => void response.writeHead(200).write('so far');
    const quick = { allow: [origin()], timeoutMs: 1_000 };
    expect(await send(named(), quick)).toMatchObject({ status: 200, excerpt: 'so far', error: null });
  });

  it('says why it failed without saying where', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('secret'), { code: 'ENOTFOUND' }));
    expect((await send(named(), { resolve })).error).toBe('The request failed (ENOTFOUND).');
    expect((await send('https://10.0.0.1/')).error).toBe('The URL must be a host of the public internet.');
    expect((await send(named(), { resolve: () => Promise.resolve([]) })).error).toBe(
      'The host has no address.',
    );
  });
});
