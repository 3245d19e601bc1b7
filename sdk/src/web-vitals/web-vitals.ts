import * as standardLibrary from 'web-vitals';
import { attempt } from '../core/attempt';
import { readLink } from '../core/link';
import { maskText } from '../core/mask';
import type { TrackCalls, Undo } from '../entry/calls';
import { resolveChoices } from '../entry/choices';

export type MetricName = 'LCP' | 'INP' | 'CLS' | 'FCP' | 'TTFB';

/** What the library tells of a metric, as far as it is recorded. */
interface Metric {
  readonly name: MetricName;
  readonly value: number;
  readonly rating: string;
  readonly id: string;
  readonly navigationType?: string;
  readonly navigationURL?: string;
  readonly attribution?: object;
}

type Observe = (onReport: (metric: Metric) => void, options: { readonly reportAllChanges: boolean }) => void;

/** The library `web-vitals`, or its build with attribution: what is used of it. */
export type VitalsLibrary = Readonly<Record<`on${MetricName}`, Observe>>;

/** What `webVitals()` records. */
export interface WebVitalsOptions {
  /** Which metrics. @default ['LCP', 'INP', 'CLS', 'FCP', 'TTFB'] */
  readonly metrics?: readonly MetricName[];
  /** The library that measures: `import * as library from 'web-vitals/attribution'` says also what caused a value. @default web-vitals */
  readonly library?: VitalsLibrary;
}

const STANDARD: Required<WebVitalsOptions> = {
  metrics: ['LCP', 'INP', 'CLS', 'FCP', 'TTFB'],
  library: standardLibrary,
};

/**
 * Records Core Web Vitals as they stand when the page is first hidden or left: a `Web Vital` for each metric, once
 * for each page load and each return from the back/forward cache. On a server it does nothing.
 *
 * @returns its undo
 * @throws TypeError that names every option that is unknown or of the wrong type
 */
export function webVitals(tracker: TrackCalls, options?: WebVitalsOptions): Undo {
  const { metrics, library } = resolveChoices(STANDARD, options);
  if (typeof document === 'undefined') return () => undefined;
  const life = new AbortController();
  const { signal } = life;
  const latest = new Map<string, Metric>();
  const told = new Set<string>();
  const { title } = document;
  let page = location.href;

  const tell = (metric: Metric): void => {
    if (told.has(metric.id)) return;
    told.add(metric.id);
    // An app may be on another page by now; what was measured is the load of this one.
    tracker.track('Web Vital', readMetric(metric), {
      context: { page: readPage(metric.navigationURL ?? page, title) },
    });
  };
  const settle = (): void => {
    for (const metric of latest.values()) tell(metric);
    latest.clear();
  };
  const onReport = (metric: Metric): void => {
    if (signal.aborted) return;
    latest.set(metric.id, metric);
    // After what else the library says in the same breath.
    if (document.hidden) queueMicrotask(() => attempt(settle));
  };
  const onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) page = location.href;
  };
  // The library has its last look at the window, and the tracker sends what it has when the document hears of it: this
  // lies between. A page that is left hears `pagehide` first, and the tracker sends then: so all changes are followed.
  document.addEventListener('visibilitychange', () => document.hidden && attempt(settle), {
    capture: true,
    signal,
  });
  addEventListener('pagehide', () => attempt(settle), { capture: true, signal });
  addEventListener('pageshow', onShow, { capture: true, signal });
  for (const name of metrics) {
    attempt(() =>
      library[`on${name}`]((metric) => attempt(() => onReport(metric)), { reportAllChanges: true }),
    );
  }
  return () => life.abort();
}

/** In milliseconds, without fractions; CLS has no unit. */
function readMetric({ name, value, rating, id, navigationType, attribution }: Metric): object {
  return {
    metric: name,
    value: name === 'CLS' ? Math.round(value * 10_000) / 10_000 : Math.round(value),
    rating,
    metric_id: id,
    navigation_type: navigationType,
    ...(attribution && { attribution: readAttribution(attribution) }),
  };
}

/** Of what the library knows about the cause, what is a number or a text. */
function readAttribution(attribution: object): object {
  const read = (name: string, value: unknown): unknown => {
    if (typeof value === 'number') return Math.round(value * 100) / 100;
    if (typeof value !== 'string') return undefined;
    return name === 'url' ? readLink(value, location.href)?.href : maskText(value);
  };
  const entries = Object.entries(attribution).map(([name, value]) => [name, read(name, value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** In the words of `context.page`. */
function readPage(address: string, title: string): object {
  const { pathname: path, search, href } = new URL(address, location.href);
  const [url] = href.split('#');
  return { path, search, url, title, referrer: document.referrer };
}
