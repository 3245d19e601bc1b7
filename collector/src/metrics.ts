/**
 * What the process counts about itself, for Prometheus. A registry of its own: nothing is global, so that two
 * collectors in one process (as in tests) do not add to each other. docs/operations.md says what each metric is for,
 * and is tested against this.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RunningRebuilds } from './db/audience-progress';
import type { IngestObserver, Verdict } from './ingest';
import type { QueueStats } from './queue/contract';
import type { MembershipStats } from './membership/keep-audience';
import { AUDIENCE_GAUGES } from './metrics/audience-gauges';
import { DELIVERY_GAUGES } from './metrics/delivery-gauges';
import { watchRebuilds } from './metrics/rebuild-gauges';
import type { DeliveryStats } from './delivery/keep-deliveries';
import { countDecisions, type DecisionOutcome } from './metrics/decision-counter';
import { setTo, watchGauges } from './metrics/watch-gauges';
import type { Upkeep } from './upkeep';

/** What is asked when somebody looks. */
export interface Watched {
  readonly queue: () => QueueStats;
  readonly pools: () => readonly PoolUse[];
  readonly upkeep: () => Upkeep;
  readonly membership: () => MembershipStats;
  readonly deliveries: () => DeliveryStats;
  /** Asks the database. */
  readonly rebuilds: () => Promise<RunningRebuilds>;
}

export interface PoolUse {
  readonly pool: string;
  readonly total: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

/** Counts since the process started. */
export interface Tally {
  accepted: number;
  duplicates: number;
  rejected: number;
  /** Kept out by a regulation. */
  suppressed: number;
}

export interface RequestSeen {
  readonly method: string;
  /** The route's pattern, not the address: there are only so many. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics extends IngestObserver {
  readonly onRequest: (request: RequestSeen) => void;
  readonly onDecided: (outcome: DecisionOutcome) => void;
  /** An answer of 503, by the code of its error. */
  readonly onUnserved: (reason: string) => void;
  /** The text for Prometheus. */
  readonly render: () => Promise<string>;
  readonly contentType: string;
  readonly totals: () => Readonly<Tally>;
  readonly bySource: () => ReadonlyMap<string, Readonly<Tally>>;
  /** The last flush; null before the first. */
  readonly lastFlush: () => LastFlush | null;
  /** What was sent to destinations, and what is left to send. */
  readonly deliveries: () => DeliveryStats;
  readonly names: () => readonly string[];
}

export interface LastFlush {
  readonly events: number;
  readonly durationMs: number;
  readonly commitLatencyMs: number;
}

/** Each source has some twenty series. Those that come first have their own, the rest share one. */
const MAX_SOURCES = 200;
const OTHER_SOURCES = 'other';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(watched: Watched): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const sources = new Map<string, Tally>();
  const totals: Tally = { accepted: 0, duplicates: 0, rejected: 0, suppressed: 0 };
  let lastFlush: LastFlush | null = null;
  const write = writeMetrics(registers);
  const http = httpMetrics(registers);
  const onDecided = countDecisions(registers);
  watchQueue(registers, watched.queue);
  watchDatabase(registers, watched);
  watchGauges(registers, { gauges: AUDIENCE_GAUGES, stats: watched.membership });
  watchGauges(registers, { gauges: DELIVERY_GAUGES, stats: watched.deliveries });
  watchRebuilds(registers, watched.rebuilds);

  const sourceOf = (sourceId: string): string =>
    sources.has(sourceId) || sources.size < MAX_SOURCES ? sourceId : OTHER_SOURCES;

  function count(sourceId: string, verdicts: readonly Verdict[]): void {
    const source = sourceOf(sourceId);
    const tally = sources.get(source) ?? { accepted: 0, duplicates: 0, rejected: 0, suppressed: 0 };
    sources.set(source, tally);
    const sums = { accepted: 0, duplicate: 0, rejected: 0, suppressed: 0 };
    for (const verdict of verdicts) {
      sums[verdict.status] += 1;
      if (verdict.status === 'rejected') write.rejections.inc({ source, code: verdict.code });
    }
    for (const [verdict, sum] of Object.entries(sums))
      if (sum > 0) write.events.inc({ source, verdict }, sum);
    for (const each of [tally, totals]) {
      each.accepted += sums.accepted;
      each.duplicates += sums.duplicate;
      each.rejected += sums.rejected;
      each.suppressed += sums.suppressed;
    }
  }

  return {
    onFlush({ events, durationMs, waitedMs, isWritten }) {
      if (!isWritten) write.failures.inc();
      else lastFlush = { events, durationMs, commitLatencyMs: waitedMs + durationMs };
      write.flushEvents.observe(events);
      write.flushDuration.observe(durationMs / 1000);
      if (isWritten) write.commitLatency.observe((waitedMs + durationMs) / 1000);
    },
    onVerdicts(batches, verdicts) {
      for (const [index, { sourceId }] of batches.entries()) count(sourceId, verdicts[index]!);
    },
    onRetry: () => write.retries.inc(),
    onRequest({ method, route, status, seconds }) {
      http.requests.inc({ method, route, status });
      http.duration.observe({ route }, seconds);
    },
    onDecided,
    onUnserved: (reason) => http.unserved.inc({ reason }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
    totals: () => totals,
    bySource: () => sources,
    lastFlush: () => lastFlush,
    deliveries: watched.deliveries,
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
  };
}

function writeMetrics(registers: Registry[]) {
  return {
    events: new Counter({
      name: 'throughline_events_total',
      help: 'Events by their source and what became of them: accepted, duplicate, rejected or suppressed.',
      labelNames: ['source', 'verdict'],
      registers,
    }),
    rejections: new Counter({
      name: 'throughline_rejections_total',
      help: 'Refused events by source and code.',
      labelNames: ['source', 'code'],
      registers,
    }),
    flushEvents: new Histogram({
      name: 'throughline_flush_events',
      help: 'Events that were written in one transaction.',
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000],
      registers,
    }),
    flushDuration: new Histogram({
      name: 'throughline_flush_duration_seconds',
      help: 'How long a transaction of events took, to the answer to its commit.',
      buckets: SECONDS,
      registers,
    }),
    commitLatency: new Histogram({
      name: 'throughline_commit_latency_seconds',
      help: 'How long the first request of a group waited for its commit, in the queue and in the database.',
      buckets: SECONDS,
      registers,
    }),
    failures: new Counter({
      name: 'throughline_flush_failures_total',
      help: 'Groups that could not be written; their requests were answered 503 or 500.',
      registers,
    }),
    retries: new Counter({
      name: 'throughline_flush_retries_total',
      help: 'Transactions that were tried again after a deadlock or a serialization failure.',
      registers,
    }),
  };
}

function httpMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'throughline_http_requests_total',
      help: 'Answers by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'throughline_http_request_duration_seconds',
      help: 'How long answers took, by route.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    }),
    unserved: new Counter({
      name: 'throughline_unserved_total',
      help: 'Answers of 503 by reason: overloaded, unavailable or shutting_down.',
      labelNames: ['reason'],
      registers,
    }),
  };
}

/** Gauges that are read off when somebody looks. */
function watchQueue(registers: Registry[], stats: () => QueueStats): void {
  const gauges: readonly (readonly [name: string, help: string, read: (stats: QueueStats) => number])[] = [
    ['throughline_queue_jobs', 'Requests that wait to be written.', ({ waitingJobs }) => waitingJobs],
    ['throughline_queue_events', 'Events that wait to be written.', ({ waitingEvents }) => waitingEvents],
    [
      'throughline_queue_oldest_age_seconds',
      'How long the oldest waiting request has waited.',
      ({ oldestAgeMs }) => oldestAgeMs / 1000,
    ],
    [
      'throughline_bytes_in_flight',
      'Memory of events from their first byte to their commit.',
      ({ bytesInFlight }) => bytesInFlight,
    ],
    ['throughline_bytes_in_flight_limit', 'Beyond it, events are answered 503.', ({ maxBytes }) => maxBytes],
    ['throughline_writers_busy', 'Groups that are being written now.', ({ writing }) => writing],
    ['throughline_writers', 'Groups that may be written at the same time.', ({ writers }) => writers],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({ name, help, registers, collect: setTo(() => read(stats())) });
  }
}

function watchDatabase(registers: Registry[], { pools, upkeep }: Watched): void {
  new Gauge({
    name: 'throughline_pool_connections',
    help: 'Database connections by pool (read, keys, ingest) and state (used, idle); waiting: requests for one.',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const { pool, total, idle, waiting } of pools()) {
        this.set({ pool, state: 'used' }, total - idle);
        this.set({ pool, state: 'idle' }, idle);
        this.set({ pool, state: 'waiting' }, waiting);
      }
    },
  });
  const gauges: readonly (readonly [name: string, help: string, read: (upkeep: Upkeep) => number | null])[] =
    [
      [
        'throughline_partitions_ahead_seconds',
        'How long the monthly partitions that exist will last.',
        ({ partitionsAheadSeconds }) => partitionsAheadSeconds,
      ],
      [
        'throughline_default_partition_events',
        'Events beside the monthly partitions: safe, but not dropped with a month.',
        ({ defaultPartitionEvents }) => defaultPartitionEvents,
      ],
      [
        'throughline_retention_dropped_partitions',
        'Monthly partitions that retention has dropped, since the process started.',
        ({ droppedPartitions }) => droppedPartitions,
      ],
      [
        'throughline_retention_deleted_events',
        'Events that retention has deleted one by one, since the process started.',
        ({ deletedEvents }) => deletedEvents,
      ],
    ];
  for (const [name, help, read] of gauges) {
    new Gauge({ name, help, registers, collect: setTo(() => read(upkeep())) });
  }
}
