import type { Plugin } from '../core/plugin';
import type { DropReason } from '../core/receipt';
import { optionsError } from '../errors';
import type { TrackingError } from './receipt';

/** Of the tracker for servers. */
export interface NodeTrackerOptions {
  /** A source's write key, `pk_…`; a workspace's secret key, `sk_…`, is taken too. */
  readonly writeKey: string;
  /** Where the collector is: an http(s) address, with a path if it has one. */
  readonly host: string;
  /**
   * A folder in which events are kept until the collector has them, so that they survive a killed process; the next
   * one with the same folder and key sends them. Processes may share it. @default none: events wait in memory
   */
  readonly directory?: string;
  /** Whole milliseconds that events wait for company, 0 to 60000. @default 100 */
  readonly flushAfterMs?: number;
  /** So many waiting events are sent without waiting longer, 1 to 500. @default 100 */
  readonly flushAt?: number;
  /** How many events may wait, 1 to 1000000; beyond it the oldest are dropped. @default 100000 */
  readonly maxWaitingEvents?: number;
  /** How many bytes of events may wait, 32000 to 1000000000. @default 64000000 */
  readonly maxWaitingBytes?: number;
  /** See each event before it is stored, in this order; each may change it, or drop it. @default none */
  readonly plugins?: readonly Plugin[];
  /** Told of every event that is given up, with how many, why, and what more is known. @default none */
  readonly onDrop?: (count: number, reason: DropReason, detail?: string) => void;
  /**
   * Told of what went wrong and is tried again: a request without a good answer, a folder that takes nothing.
   * @default none
   */
  readonly onError?: (error: TrackingError) => void;
  /** Sends the requests; must honour `signal`. @default fetch */
  readonly fetch?: typeof fetch;
}

export type NodeSettings = Required<NodeTrackerOptions>;

/** What holds where an option is not given; also the type that each must have. */
const DEFAULTS: NodeSettings = {
  writeKey: '',
  host: '',
  directory: '',
  flushAfterMs: 100,
  flushAt: 100,
  maxWaitingEvents: 100_000,
  maxWaitingBytes: 64_000_000,
  plugins: [],
  onDrop: () => undefined,
  onError: () => undefined,
  // Looked up at each call: tests and instrumentation replace it.
  fetch: (url, init) => fetch(url, init),
};

const isWhole =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
const isLike =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    pattern.test(String(value));

const CHECKS: Readonly<Partial<Record<string, (value: unknown) => boolean>>> = {
  writeKey: isLike(/^\S+$/),
  host: isLike(/^https?:\/\/[^\s/?#]+[^\s?#]*$/),
  flushAfterMs: isWhole(0, 60_000),
  flushAt: isWhole(1, 500),
  maxWaitingEvents: isWhole(1, 1_000_000),
  maxWaitingBytes: isWhole(32_000, 1_000_000_000),
};

/**
 * The options with defaults in place of what is absent or undefined.
 *
 * @throws TypeError that names every option that is missing, out of its bounds or unknown
 */
export function resolveNodeOptions(options: NodeTrackerOptions): NodeSettings {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const settings: NodeSettings = { ...DEFAULTS, ...Object.fromEntries(given) };
  const bad = Object.entries(settings).filter(
    ([name, value]) =>
      typeof value !== typeof DEFAULTS[name as keyof NodeSettings] || CHECKS[name]?.(value) === false,
  );
  if (bad.length > 0) throw optionsError(bad.map(([name]) => name));
  return { ...settings, host: settings.host.replace(/\/+$/, '') };
}
