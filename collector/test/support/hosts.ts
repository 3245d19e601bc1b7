/** A visitor's browser, sites under any name, and a real collector behind a wire that writes down what was sent. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { type Api, openApi, REAL_CLOCK } from './api';
import { openChromium } from './shared-chromium';
import { openWire, type Wire } from './wire';

/** An event as the SDK sends it. */
export interface SentEvent {
  readonly messageId: string;
  readonly type: string;
  readonly event?: string;
  readonly anonymousId: string;
  readonly userId?: string;
  readonly timestamp: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly context: {
    readonly page: Readonly<Record<'path' | 'search' | 'url' | 'title' | 'referrer', string>>;
    readonly sessionId: string;
    readonly campaign?: Readonly<Record<string, string>>;
    readonly firstTouch?: SentTouch;
    readonly lastTouch?: SentTouch;
  };
}

export interface SentTouch {
  readonly at: string;
  readonly path: string;
  readonly referrer: string;
  readonly campaign?: Readonly<Record<string, string>>;
}

export interface SiteAnswer {
  readonly html: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Site {
  readonly api: Api;
  readonly wire: Wire;
  readonly browser: Browser;
  /** A new visitor's, for this test. */
  readonly context: () => BrowserContext;
  /** What every page of every site is, until said otherwise; a new visitor and nothing on the wire from here on. */
  readonly begin: (answer: (url: URL, request: IncomingMessage) => SiteAnswer) => Promise<void>;
  /** The origin of the site under this name. */
  readonly origin: (host?: string) => string;
  /** The collector's, under a name. */
  readonly collector: (host?: string) => string;
  readonly tag: (attributes?: string, host?: string) => string;
  readonly open: (url: string) => Promise<Page>;
  /** What the sites were asked for in this test. */
  readonly requests: () => readonly { readonly path: string; readonly query: string }[];
  /** The events that have been sent in this test, as soon as there are so many. */
  readonly events: (count: number) => Promise<readonly SentEvent[]>;
  /** Sends what waits, and tells all events of this test. */
  readonly flushed: (page: Page) => Promise<readonly SentEvent[]>;
  readonly close: () => Promise<void>;
}

const PATIENCE = { timeout: 60_000, interval: 50 };

/** Names end as `shared-chromium.ts` says. */
export async function openSite({
  script = 'sdk.js',
}: { readonly script?: 'sdk.js' | 'sdk-full.js' } = {}): Promise<Site> {
  const api = await openApi({ clock: REAL_CLOCK });
  const wire = await openWire(api.url);
  let answer: (url: URL, request: IncomingMessage) => SiteAnswer = () => ({ html: '' });
  let requests: { path: string; query: string }[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (url.pathname === '/favicon.ico') return void response.writeHead(204).end();
    requests.push({ path: url.pathname, query: url.search });
    const { html, headers = {} } = answer(url, request);
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await openChromium();
  let context: BrowserContext | undefined;
  let before = 0;
  const events = () => wire.events().slice(before) as unknown as SentEvent[];
  const collector = (host = '127.0.0.1') => `http://${host}:${new URL(wire.url).port}`;

  return {
    api,
    wire,
    browser,
    context: () => context!,
    begin: async (next) => {
      answer = next;
      await context?.close();
      context = await browser.newContext();
      before = wire.events().length;
      requests = [];
    },
    requests: () => requests,
    origin: (host = '127.0.0.1') => `http://${host}:${port}`,
    collector,
    tag: (attributes = '', host = undefined) =>
      `<script src="${collector(host)}/${script}" data-write-key="${api.writeKey}" ${attributes}></script>`,
    open: async (url) => {
      const page = await context!.newPage();
      await page.goto(url);
      return page;
    },
    events: (count) =>
      vi.waitFor(() => {
        const found = events();
        expect(found.length).toBeGreaterThanOrEqual(count);
        return found;
      }, PATIENCE),
    flushed: async (page) => {
      await page.evaluate('throughline.flush()');
      return events();
    },
    close: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await wire.close();
      await api.close();
    },
  };
}
