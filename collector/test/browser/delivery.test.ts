/**
 * Everything that browsers, networks and people do to events: each arrives, and none comes a second time except where
 * a page died before it could know; there the collector, a real one, makes it one.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { openUnwatched } from '../support/chromium';
import { playScenario, type Result, type Theatre } from '../support/delivery/run';
import { SCENARIOS } from '../support/delivery/scenarios';
import { openDeliveryServer } from '../support/delivery/server';
import { openSite } from '../support/delivery/stage';
import { ourselves, type Subject } from '../support/delivery/subject';
import { tabulate } from '../support/delivery/table';
import { openChromium } from '../support/shared-chromium';

const SCRIPT = join(import.meta.dirname, '../../../sdk/dist/sdk.js');

let api: Api;
let browser: Browser;
let theatre: Theatre;
let subject: Subject;
const results: Result[] = [];

beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
  browser = await openChromium();
  theatre = {
    browser,
    server: await openDeliveryServer(),
    site: await openSite(),
    collectorUrl: api.url,
    patience: { atOnceMs: 45_000, revisitMs: 45_000 },
  };
  // What waits for company would only make the test wait.
  subject = ourselves(await readFile(SCRIPT, 'utf8'), api.writeKey, 'data-flush-after-ms="250"');
});

afterAll(async () => {
  const order = SCENARIOS.map(({ name }) => name);
  results.sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  process.stdout.write(`\n${tabulate(subject.name, results)}\n`);
  await browser?.close();
  await theatre?.site.close();
  await theatre?.server.close();
  await api?.close();
});

describe.concurrent('every event arrives once', () => {
  it.each(SCENARIOS)('$name', async (scenario) => {
    const result = await playScenario(theatre, subject, scenario);
    results.push(result);
    const { sent, arrivedAtOnce, arrivedAfterRevisit, copies } = result;
    expect(result.complaints).toEqual([]);
    expect(arrivedAfterRevisit).toBe(sent);
    if (scenario.isAtOnce) expect(arrivedAtOnce).toBe(sent);
    if (!scenario.mayCopy) expect(copies).toBe(0);
    expect(result.ids.size).toBe(sent);
    expect(await countStored(result)).toBe(sent);
  });
});

it('a page that is rendered in advance is heard of when it is opened, not before', async () => {
  const lane = theatre.server.openLane('advance');
  const site = theatre.site.openPages('advance', subject, lane.url);
  const next = `${site}/next?${new URLSearchParams({
    run: `count(document.prerendering ? 1 : 99, 100); localStorage.setItem('ready', 'yes')`,
  })}`;
  const rules = { prerender: [{ source: 'list', urls: [next], eagerness: 'immediate' }] };
  const first = `${site}/?${new URLSearchParams({
    head: `<script type="speculationrules">${JSON.stringify(rules)}</script>`,
    run: `addEventListener('storage', ({ key }) => {
            if (key !== 'ready') return;
            count(0, 1);
            throughline.flush().then(() => { location.href = ${JSON.stringify(next)} });
          })`,
  })}`;
  const close = openUnwatched(first);
  try {
    await vi.waitFor(() => expect(lane.taken().size).toBeGreaterThan(1), { timeout: 60_000 });
    expect(lane.requests[0]!.events).toBe(1);
    expect(lane.taken().size).toBe(100);
  } finally {
    await close();
  }
});

/** In the real collector. */
async function countStored({ ids }: Result): Promise<number> {
  const rows = await inWorkspace(api.db, api.workspaceId, (transaction) =>
    transaction
      .selectFrom('event')
      .select('message_id')
      .where('message_id', 'in', [...ids])
      .execute(),
  );
  return rows.length;
}
