import { describe, expect, it } from 'vitest';
import { originOf, renderBanner, type Banner } from '../../src/banner';

const banner: Banner = {
  url: 'http://127.0.0.1:3000',
  ticket: 'one-time',
  hasDemo: true,
  writeKey: 'pk_0123456789abcdefABCDEFGH',
  newSecretKey: 'sk_0123456789abcdefABCDEFGH',
};

describe('the block that a start prints', () => {
  it('says where everything is, what to paste and how to send a first event', () => {
    expect(renderBanner(banner)).toMatchInlineSnapshot(`
      "
        Throughline is running.

        Console     http://127.0.0.1:3000/console/enter?ticket=one-time   (works once, for 15 minutes)
        Demo shop   http://127.0.0.1:3000/demo/
        API         http://127.0.0.1:3000/docs
        Write key   pk_0123456789abcdefABCDEFGH
        Secret key  sk_0123456789abcdefABCDEFGH   (shown only now: keep it)

        Paste this into a page:
          <script async src="http://127.0.0.1:3000/sdk.js" data-write-key="pk_0123456789abcdefABCDEFGH" data-auto-page></script>

        Or send a first event from here:
          curl http://127.0.0.1:3000/v1/track -u pk_0123456789abcdefABCDEFGH: -H 'content-type: application/json' -d '{"userId":"ada","event":"Hello"}'

      "
    `);
  });

  it('shows the secret key only when it was made just now', () => {
    const later = renderBanner({ ...banner, newSecretKey: null });
    expect(later).not.toContain('sk_');
    expect(later).toContain('Secret key  shown at the first start');
  });

  it('has no demo shop in production', () => {
    expect(renderBanner({ ...banner, hasDemo: false })).not.toContain('/demo/');
  });

  it('gives addresses that a browser can open', () => {
    expect(originOf('127.0.0.1', 3000)).toBe('http://127.0.0.1:3000');
    expect(originOf('0.0.0.0', 80)).toBe('http://127.0.0.1:80');
    expect(originOf('::', 3000)).toBe('http://127.0.0.1:3000');
    expect(originOf('::1', 3000)).toBe('http://[::1]:3000');
    expect(originOf('collector.example.com', 3000)).toBe('http://collector.example.com:3000');
  });
});
