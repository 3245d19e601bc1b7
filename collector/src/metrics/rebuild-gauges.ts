import { setTimeout as wait } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import type { RunningRebuilds } from '../db/audience-progress';
import { setTo } from './watch-gauges';

type RebuildGauge = readonly [name: string, help: string, read: (rebuilds: RunningRebuilds) => number | null];

const REBUILD_GAUGES: readonly RebuildGauge[] = [
  [
    'throughline_audience_rebuilds_running',
    'Audiences of which all members are being found now, by whichever process.',
    ({ running }) => running,
  ],
  [
    'throughline_audience_rebuild_percent',
    'How far the one of them is that is least far, estimated by how long it took last time.',
    ({ leastPercent }) => leastPercent,
  ],
];

/** What only the database knows is left out where it takes longer: metrics are wanted most when it is away. */
const DATABASE_WITHIN_MS = 1_000;

/** @param rebuilds asks the database */
export function watchRebuilds(registers: Registry[], rebuilds: () => Promise<RunningRebuilds>): void {
  for (const [name, help, read] of REBUILD_GAUGES) {
    new Gauge({
      ...{ name, help, registers },
      async collect() {
        const running = await Promise.race([
          rebuilds().catch(() => null),
          wait(DATABASE_WITHIN_MS, null, { ref: false }),
        ]);
        setTo(() => running && read(running)).call(this);
      },
    });
  }
}
