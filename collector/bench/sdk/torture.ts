/** The scenarios of the delivery test, with our SDK and with others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FOLDERS } from '../../src/folders';
import { launchChromium } from '../../test/support/chromium';
import { playScenario, type Result, type Theatre } from '../../test/support/delivery/run';
import { type Scenario, SCENARIOS } from '../../test/support/delivery/scenarios';
import { openDeliveryServer } from '../../test/support/delivery/server';
import { openSite } from '../../test/support/delivery/stage';
import { ourselves, type Subject } from '../../test/support/delivery/subject';
import type { CleanUp } from '../clean-up';
import type { Table } from '../table';
import { asSubject, PEERS } from './peers';

/** What others may take for what a page that lives, and the next one, still have to send. */
const PATIENCE = { atOnceMs: 5_000, revisitMs: 15_000 };
const AT_A_TIME = 4;

export interface Torture {
  readonly library: string;
  readonly results: readonly Result[];
}

export async function measureTorture(
  cleanUp: CleanUp,
  note: (sentence: string) => void,
): Promise<readonly Torture[]> {
  const browser = await launchChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const server = await openDeliveryServer();
  const site = await openSite();
  const close = async (): Promise<void> => {
    await browser.close();
    await Promise.all([server.close(), site.close()]);
  };
  cleanUp.add(close);
  const theatre: Theatre = { browser, server, site, patience: PATIENCE };
  const ours = ourselves(await readFile(join(FOLDERS.sdk, 'sdk.js'), 'utf8'), 'pk_bench');
  const all: Torture[] = [];
  for (const subject of [ours, ...(await Promise.all(PEERS.map(asSubject)))]) {
    note(`${SCENARIOS.length} scenarios with ${subject.name}`);
    all.push({ library: subject.name, results: await playAll(theatre, subject) });
  }
  await close();
  return all;
}

async function playAll(theatre: Theatre, subject: Subject): Promise<Torture['results']> {
  const results = new Map<Scenario, Result>();
  const waiting = [...SCENARIOS];
  const play = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario; scenario = waiting.shift()) {
      results.set(scenario, await playScenario(theatre, subject, scenario));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, play));
  return SCENARIOS.map((scenario) => results.get(scenario)!);
}

export function tabulateTorture(all: readonly Torture[]): Table {
  return {
    title: 'Events that arrive: at once / after another visit + copies on the wire',
    columns: ['', 'sent', ...all.map(({ library }) => library)],
    rows: SCENARIOS.map(({ name }, index) => [
      name,
      String(all[0]!.results[index]!.sent),
      ...all.map(({ results }) => {
        const { arrivedAtOnce, arrivedAfterRevisit, copies } = results[index]!;
        return `${arrivedAtOnce} / ${arrivedAfterRevisit} + ${copies}`;
      }),
    ]),
  };
}
