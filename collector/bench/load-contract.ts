/** What is asked of the load generator's process, and what it answers. */
import type { TrafficMix } from './traffic';

export interface LoadPlan {
  /** Of the collector, e.g. `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly writeKey: string;
  readonly requests: number;
  /** 1 sends single calls to /v1/track and its sisters; more send batches. */
  readonly eventsPerRequest: number;
  readonly connections: number;
  /** Requests a second, started by the clock whatever the answers do; null sends as fast as answers come. */
  readonly ratePerSecond: number | null;
  /** Of the events, how many were sent before: 1 sends the requests of the plan before this one again. */
  readonly duplicateShare: number;
  /** Who sends: a site's visitors, or a server that does little but identify. */
  readonly mix: TrafficMix;
}

export interface LoadResult {
  readonly seconds: number;
  readonly accepted: number;
  readonly duplicates: number;
  /** Answers other than 200, refused events and broken connections, a sentence each; at most a few. */
  readonly faults: readonly string[];
  /** Bytes of the bodies and heads that were sent. */
  readonly bytes: number;
  /** From when a request was due until its answer was read, in milliseconds. */
  readonly ackMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Of this process, while it sent. */
  readonly cpuSeconds: number;
}

/** The requests are made before the clock runs, so that making them is no part of what is measured. */
export type LoadCommand = { readonly do: 'prepare'; readonly plan: LoadPlan } | { readonly do: 'send' };

export type LoadAnswer =
  { readonly prepared: true } | { readonly result: LoadResult } | { readonly error: string };
