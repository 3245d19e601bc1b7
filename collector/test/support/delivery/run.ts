/** Plays scenarios with a library, and tells what came of its events. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { launchChromiumProfile } from '../chromium';
import type { Scenario } from './scenarios';
import { type DeliveryServer, type Lane, TAKE } from './server';
import { createStage, type Site, type Stage } from './stage';
import type { Subject } from './subject';

export interface Result {
  readonly scenario: string;
  readonly sent: number;
  readonly arrivedAtOnce: number;
  /** With what arrived at once. */
  readonly arrivedAfterRevisit: number;
  /** On the wire, beyond the first of each event. */
  readonly copies: number;
  readonly mayCopy: boolean;
  /** What should not have happened: errors in the page, words on the console, a request at the wrong time. */
  readonly complaints: readonly string[];
  /** Each that was taken, once. */
  readonly ids: ReadonlySet<string>;
}

export interface Theatre {
  readonly browser: Browser;
  readonly server: DeliveryServer;
  readonly site: Site;
  /** A real collector behind the server, where there is one. */
  readonly collectorUrl?: string;
  /** How long a library has for what is left to it. */
  readonly patience: { readonly atOnceMs: number; readonly revisitMs: number };
}

let lanes = 0;

export async function playScenario(theatre: Theatre, subject: Subject, scenario: Scenario): Promise<Result> {
  const name = `lane${(lanes += 1)}`;
  const lane = theatre.server.openLane(name, theatre.collectorUrl);
  const complaints: string[] = [];
  const visitor = await openVisitor(theatre, scenario);
  try {
    const stage = createStage({
      subject,
      lane,
      site: theatre.site.openPages(name, subject, lane.url),
      context: visitor.context,
      patienceMs: theatre.patience.revisitMs,
      complaints,
    });
    await scenario.play(stage, visitor).catch((error: unknown) => complaints.push(String(error)));
    await visitor.context().setOffline(false);
    if (scenario.isAtOnce) await arrive(stage, theatre.patience.atOnceMs);
    const arrivedAtOnce = lane.taken().size;
    lane.mode = TAKE;
    await revisit(stage, theatre.patience.revisitMs);
    return {
      scenario: scenario.name,
      sent: stage.sent(),
      arrivedAtOnce,
      arrivedAfterRevisit: lane.taken().size,
      copies: [...lane.taken().values()].reduce((sum, count) => sum + count - 1, 0),
      mayCopy: scenario.mayCopy === true,
      complaints,
      ids: lane.ids(),
    };
  } finally {
    await visitor.close();
  }
}

/** A new page, on which nothing is called; then whatever the library still has to say. */
async function revisit(stage: Stage, patienceMs: number): Promise<void> {
  const page = await stage.open('/revisit');
  await arrive(stage, patienceMs);
  await stage.flush(page);
}

async function arrive({ lane, sent }: Stage, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  const isThere = (): boolean => lane.taken().size >= sent() && isIdle(lane);
  while (!isThere() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Requests that are never answered do not count: nothing more comes of them. */
function isIdle(lane: Lane): boolean {
  return lane.isIdle() || lane.mode.kind !== 'take';
}

async function openVisitor({ browser }: Theatre, scenario: Scenario) {
  const folder = scenario.needsProfile ? await mkdtemp(join(tmpdir(), 'throughline-profile-')) : undefined;
  const start = async (): Promise<BrowserContext> => {
    const context = folder === undefined ? await browser.newContext() : await launchChromiumProfile(folder);
    if (scenario.sabotage !== undefined) await context.addInitScript(scenario.sabotage);
    return context;
  };
  let context = await start();
  return {
    context: () => context,
    kill: async (): Promise<void> => {
      const session = await context.newCDPSession(context.pages()[0]!);
      const gone = new Promise<void>((resolve) => context.once('close', () => resolve()));
      session.send('Browser.crash').catch(() => undefined);
      await gone;
    },
    restart: async (): Promise<void> => {
      context = await start();
    },
    close: async (): Promise<void> => {
      await context.close();
      if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
