/** What a scenario acts on: a visitor's browser, the site, and the server that the library sends to. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import type { Lane } from './server';
import { pageWith, type Subject } from './subject';

export interface Stage {
  readonly subject: Subject;
  readonly lane: Lane;
  /** Of the site's pages in this scenario; ends without a slash. */
  readonly site: string;
  /** The browser of the moment; `restart()` replaces it. */
  readonly context: () => BrowserContext;
  /** Opens a page of the site in a new tab; `query` may have `run`, a code that runs once the library is there. */
  readonly open: (path?: string, query?: Readonly<Record<string, string>>) => Promise<Page>;
  /** Tracks so many more events, in one tick with what follows them. */
  readonly track: (page: Page, events: number, more?: TrackOptions) => Promise<void>;
  /** Sees to it that events with these numbers are expected, for a scenario that tracks by itself; returns the first. */
  readonly expectMore: (events: number) => number;
  readonly sent: () => number;
  /** Every event that is expected so far was taken. */
  readonly allTaken: () => Promise<void>;
  /** So many requests with events have come, whatever became of them. */
  readonly requested: (count: number) => Promise<void>;
  /** Asks the library to send what it can now, and waits until it has tried. */
  readonly flush: (page: Page) => Promise<void>;
  /** A sentence about what should not have happened. */
  readonly complain: (sentence: string) => void;
}

export interface TrackOptions {
  /** Of each event's padding. */
  readonly bytes?: number;
  /** Code that runs in the same tick, after the events. */
  readonly then?: string;
}

export interface StageEdges {
  readonly subject: Subject;
  readonly lane: Lane;
  readonly site: string;
  readonly context: () => BrowserContext;
  readonly patienceMs: number;
  readonly complaints: string[];
}

/** What browsers themselves write about requests that fail; no page can prevent it. */
const BROWSERS_OWN = /^(Failed to load resource|Access to fetch at)/;
const LOOK_MS = 20;

export function createStage(edges: StageEdges): Stage {
  const { subject, lane, site, complaints } = edges;
  let sent = 0;
  const until = async (isSo: () => boolean, otherwise: () => string): Promise<void> => {
    const end = performance.now() + edges.patienceMs;
    while (!isSo()) {
      if (performance.now() > end) throw new Error(otherwise());
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const expectMore = (events: number): number => (sent += events) - events;
  return {
    ...edges,
    expectMore,
    sent: () => sent,
    open: async (path = '/', query = {}) => {
      const page = await edges.context().newPage();
      page.on('pageerror', ({ message }) => complaints.push(`page: ${message}`));
      page.on('console', (message) => {
        if (!BROWSERS_OWN.test(message.text())) complaints.push(`console: ${message.text()}`);
      });
      await page.goto(`${site}${path}?${new URLSearchParams(query)}`);
      return page;
    },
    track: async (page, events, { bytes = 10, then = '' } = {}) => {
      const from = expectMore(events);
      await page.evaluate(`count(${from}, ${from + events}, ${bytes}); ${then}`);
    },
    allTaken: () =>
      until(
        () => lane.taken().size === sent,
        () => `${lane.taken().size} of ${sent} events arrived`,
      ),
    requested: (count) =>
      until(
        () => lane.requests.length >= count,
        () => `${lane.requests.length} requests came, not ${count}`,
      ),
    flush: async (page) => {
      if (subject.flush !== undefined) await page.evaluate(subject.flush);
    },
    complain: (sentence) => complaints.push(sentence),
  };
}

export interface Site {
  /** The pages of a scenario, each with the library; their URL ends without a slash. */
  readonly openPages: (name: string, subject: Subject, laneUrl: string) => string;
  readonly close: () => Promise<void>;
}

/** Serves pages that have the library in them, at `/<name>/…`. */
export async function openSite(): Promise<Site> {
  const pages = new Map<string, { script: string; render: ReturnType<typeof pageWith> }>();
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://site');
    const page = pages.get(url.pathname.split('/')[1] ?? '');
    if (page === undefined) return void response.writeHead(404).end();
    const isScript = url.pathname.endsWith('/library.js');
    response.setHeader('content-type', `text/${isScript ? 'javascript' : 'html'}; charset=utf-8`);
    // Only such a page is told the time by the microsecond.
    if (url.searchParams.has('isolated')) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    const [head = '', run = ''] = [url.searchParams.get('head') ?? '', url.searchParams.get('run') ?? ''];
    response.end(isScript ? page.script : page.render({ head, run }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    openPages: (name, subject, laneUrl) => {
      const url = `${origin}/${name}`;
      pages.set(name, { script: subject.script(laneUrl), render: pageWith(subject, { url, laneUrl }) });
      return url;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
