import { describe, expect, it } from 'vitest';
import { checkWebhookUrl, isPublicAddress } from '../../src/core/webhook-address';

const problemOf = (url: string, allowed: readonly string[] = []): string | null => {
  const checked = checkWebhookUrl(url, allowed);
  return checked.ok ? null : checked.problem;
};

describe('the URL of a webhook', () => {
  it.each([
    'https://hooks.example.com/in?token=1',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com./',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://xn--bcher-kva.example/',
  ])('may be %s', (url) => {
    expect(problemOf(url)).toBeNull();
  });

  it.each([
    ['nonsense', 'must be a URL'],
    ['', 'must be a URL'],
    ['//example.com/', 'must be a URL'],
    ['http://example.com/', 'https'],
    ['ftp://example.com/', 'https'],
    ['file:///etc/passwd', 'https'],
    ['gopher://example.com/', 'https'],
    ['javascript:alert(1)', 'https'],
    ['https://user@example.com/', 'password'],
    ['https://user:secret@example.com/', 'password'],
    ['https://example.com@127.0.0.1/', 'password'],
    ['https://example.com:22/', 'port'],
    ['https://example.com:25/', 'port'],
    ['https://example.com:0/', 'port'],
    ['https://127.0.0.1/', 'public'],
    ['https://127.0.0.1./', 'public'],
    ['https://127.1/', 'public'],
    ['https://2130706433/', 'public'],
    ['https://0x7f000001/', 'public'],
    ['https://0x7f.1/', 'public'],
    ['https://0177.0.0.1/', 'public'],
    ['https://017700000001/', 'public'],
    ['https://%31%32%37.0.0.1/', 'public'],
    ['https://①②⑦.0.0.1/', 'public'],
    ['https://0/', 'public'],
    ['https://localhost/', 'public'],
    ['https://LOCALHOST./', 'public'],
    ['https://app.localhost/', 'public'],
    ['https://169.254.169.254/latest/meta-data/', 'public'],
    ['https://0xa9fea9fe/', 'public'],
    ['https://[::1]/', 'public'],
    ['https://[::]/', 'public'],
    ['https://[::ffff:127.0.0.1]/', 'public'],
    ['https://[::ffff:7f00:1]/', 'public'],
    ['https://[::127.0.0.1]/', 'public'],
    ['https://[64:ff9b::7f00:1]/', 'public'],
    ['https://[fe80::1]/', 'public'],
    ['https://[fe80::1%25eth0]/', 'must be a URL'],
    ['https://[fd00::1]/', 'public'],
    ['https://example.com/ \u0000', null],
    [`https://example.com/${'x'.repeat(2000)}`, 'at most'],
  ])('may not be %s', (url, why) => {
    if (why === null) expect(problemOf(url)).toBeNull();
    else expect(problemOf(url)).toContain(why);
  });

  it('may be private where its origin is let through, and only that', () => {
    const allowed = ['http://localhost:4000', 'https://hooks.internal', 'http://127.0.0.1:*'];
    const mayBe = (url: string) => problemOf(url, allowed) === null;
    expect(mayBe('http://localhost:4000/hook')).toBe(true);
    expect(mayBe('https://hooks.internal/hook')).toBe(true);
    expect(mayBe('http://127.0.0.1:8080/hook')).toBe(true);
    expect(mayBe('http://127.0.0.1/hook')).toBe(true);
    expect(mayBe('http://localhost:4001/hook')).toBe(false);
    expect(mayBe('https://localhost:4000/hook')).toBe(false);
    expect(mayBe('http://hooks.internal/hook')).toBe(false);
    expect(mayBe('http://localhost:4000@example.com/')).toBe(false);
    expect(mayBe('http://127.0.0.1.example.com:8080/')).toBe(false);
  });
});

describe('an address', () => {
  it.each([
    ...['8.8.8.8', '1.1.1.1', '93.184.216.34', '172.15.0.1', '172.32.0.1', '100.63.255.255', '11.0.0.0'],
    ...['2606:4700:4700::1111', '2a00:1450:4001:831::200e'],
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    // This machine, and nobody.
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '::1', '::'],
    // Networks of one's own.
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1'],
    // The link, and with it the metadata of clouds; what a carrier shares; platforms.
    ...['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'fec0::1'],
    ...['100.64.0.1', '100.127.255.255', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254'],
    // To many, to all, for tests and documents, reserved.
    ...['224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255', '240.0.0.1'],
    ...['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255', '2001:db8::1', '3fff::1'],
    // Ways around: IPv4 in IPv6.
    ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '::ffff:0:7f00:1', '64:ff9b::7f00:1'],
    ...['64:ff9b:1::1', '2002:7f00:1::', '2002:808:808::1', '2001::1', '2001:0:7f00:1::', '192.88.99.1'],
    ...['100::1', '5f00::1', '4000::1'],
    // No addresses.
    ...['', 'localhost', 'example.com', '1.2.3.4.5', '::g'],
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
