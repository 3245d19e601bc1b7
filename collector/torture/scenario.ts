/** One run: clients send, things go wrong by plan, and at the end everything is counted again. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { recount, storedIds } from '../test/support/recount';
import { type Clients, readLedger, startClients } from './clients';
import { FAULTS, type FaultKind, planFaults, type PlannedFault } from './schedule';
import { openVictim, type Victim } from './victim';

export interface ScenarioOptions {
  readonly seed: number;
  /** @default all */
  readonly kinds?: readonly FaultKind[];
  /** Asked before each fault. */
  readonly mayGoOn: (faultsSoFar: number) => boolean;
  readonly onFault?: (fault: PlannedFault) => void;
}

export interface Suffered {
  readonly kind: FaultKind;
  /** From the fault to the next acknowledgement. */
  readonly recoveryMs: number;
}

export interface Report {
  readonly faults: readonly Suffered[];
  readonly answers: ReadonlyMap<number, number>;
  readonly acknowledgedEvents: number;
  readonly storedEvents: number;
  /** What broke a promise, in words. */
  readonly violations: readonly string[];
}

const STREAMS = 4;

export async function runScenario(options: ScenarioOptions): Promise<Report> {
  const ledger = join(tmpdir(), `throughline-ledger-${process.pid}-${options.seed}`);
  const victim = await openVictim();
  try {
    const clients = startClients({ ...victim, seed: options.seed, ledger, streams: STREAMS });
    const faults = await torment(victim, clients, options);
    await clients.finish();
    return { faults, answers: clients.answers, ...(await judge(victim, clients, ledger)) };
  } finally {
    await victim.close();
    rmSync(ledger, { force: true });
  }
}

async function torment(victim: Victim, clients: Clients, options: ScenarioOptions): Promise<Suffered[]> {
  const faults: Suffered[] = [];
  for (const fault of planFaults(options.seed, options.kinds ?? FAULTS)) {
    if (clients.violations.length > 0 || !options.mayGoOn(faults.length)) break;
    await clients.untilAcknowledged(fault.afterBatches);
    await wait(fault.delayMs);
    options.onFault?.(fault);
    const begun = performance.now();
    await victim.suffer(fault);
    await clients.untilAcknowledged(1);
    faults.push({ kind: fault.kind, recoveryMs: performance.now() - begun });
  }
  return faults;
}

async function judge(
  { postgres, recipients }: Victim,
  clients: Clients,
  ledger: string,
): Promise<Pick<Report, 'acknowledgedEvents' | 'storedEvents' | 'violations'>> {
  const violations = [...clients.violations, ...(await recount(postgres))];
  const acknowledged = readLedger(ledger);
  let acknowledgedEvents = 0;
  let storedEvents = 0;
  for (const { workspaceId } of recipients) {
    const ids = acknowledged.get(workspaceId) ?? new Set();
    const stored = await storedIds(postgres, workspaceId);
    const lost = [...ids].filter((id) => !stored.has(id));
    const foreign = [...stored].filter((id) => !ids.has(id));
    if (lost.length > 0) violations.push(`${lost.length} × acknowledged and not stored, e.g. ${lost[0]}`);
    // Each client went on until its batch was acknowledged, unless it gave up, so there is nothing else.
    if (foreign.length > 0 && clients.violations.length === 0)
      violations.push(`${foreign.length} × stored and never sent, e.g. ${foreign[0]}`);
    acknowledgedEvents += ids.size;
    storedEvents += stored.size;
  }
  return { acknowledgedEvents, storedEvents, violations };
}
