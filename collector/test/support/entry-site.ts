/**
 * A site whose pages a test writes, and on another origin a collector that serves the SDK's builds as the real one
 * does, takes everything in, and remembers it.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { openChromium } from './shared-chromium';

/** The run has built what was stale. */
const BUILD = join(import.meta.dirname, '../../../sdk/dist');

export interface SiteEvent {
  readonly type: string;
  readonly event?: string;
  readonly messageId: string;
  readonly anonymousId: string;
  readonly timestamp: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly context: { readonly page: Readonly<Record<string, string>> };
  readonly writeKey: string;
}

export interface EntrySite {
  readonly url: string;
  readonly collectorUrl: string;
  /** Opens a path of the site with this HTML, in a context of its own unless one is given. */
  readonly open: (html: string, where?: { path?: string; context?: BrowserContext }) => Promise<Page>;
  readonly newContext: () => Promise<BrowserContext>;
  /** What pages are made of from now on, by path. */
  readonly pages: Map<string, string>;
  /** Track calls that have arrived, in the order of the visitor's time. */
  readonly arrived: () => readonly SiteEvent[];
  /** Waits until so many track calls have arrived; all of them. */
  readonly expectArrived: (count: number) => Promise<readonly SiteEvent[]>;
  /** What pages complained about. */
  readonly problems: string[];
  readonly forget: () => Promise<void>;
  readonly close: () => Promise<void>;
}

async function listen(handler: RequestListener): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function openCollector(events: SiteEvent[]): Promise<Server> {
  const serve: RequestListener = (request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://collector');
      response.setHeader('access-control-allow-origin', '*');
      if (pathname.endsWith('.js')) {
        response.setHeader('content-type', 'text/javascript');
        return response.end(await readFile(join(BUILD, pathname)));
      }
      const { batch } = JSON.parse(await readBody(request)) as { batch: SiteEvent[] };
      events.push(...batch.map((event) => ({ ...event, writeKey: searchParams.get('writeKey') ?? '' })));
      return response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ accepted: batch.length, duplicates: 0, rejected: [] }));
    })();
  };
  return listen(serve);
}

export async function openEntrySite(): Promise<EntrySite> {
  const events: SiteEvent[] = [];
  const pages = new Map<string, string>();
  const problems: string[] = [];
  const collector = await openCollector(events);
  const site = await listen(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://site');
    const html = pages.get(pathname);
    response.writeHead(html === undefined ? 204 : 200, { 'content-type': 'text/html' }).end(html);
  });
  const browser: Browser = await openChromium();
  const arrived = () =>
    events
      .filter(({ type }) => type === 'track')
      .sort((a, b) => (a.timestamp + a.messageId < b.timestamp + b.messageId ? -1 : 1));
  return {
    url: urlOf(site),
    collectorUrl: urlOf(collector),
    pages,
    problems,
    newContext: () => browser.newContext(),
    open: async (html, { path = '/', context } = {}) => {
      pages.set(path, `<!doctype html><title>${path}</title>${html}`);
      const page = await (context ?? (await browser.newContext())).newPage();
      page.on('pageerror', (error) => problems.push(error.message));
      // Not what the browser itself advises about a test's page.
      page.on('console', (said) => said.text().startsWith('[DOM]') || problems.push(said.text()));
      await page.goto(urlOf(site) + path);
      return page;
    },
    arrived,
    expectArrived: async (count) => {
      await vi.waitFor(() => expect(arrived()).toHaveLength(count), { timeout: 30_000, interval: 50 });
      return arrived();
    },
    forget: async () => {
      for (const context of browser.contexts()) await context.close();
      events.length = 0;
      problems.length = 0;
      pages.clear();
    },
    close: async () => {
      await browser.close();
      for (const server of [site, collector]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
