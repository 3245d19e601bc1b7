import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { webVitals } from '../../src/web-vitals/web-vitals';
import type { VitalsLibrary, WebVitalsOptions } from '../../src/web-vitals/web-vitals';

type Metric = Parameters<Parameters<VitalsLibrary['onLCP']>[0]>[0];

let undo = (): void => undefined;

function openAddress(path: string): void {
  const { happyDOM } = window as unknown as { happyDOM: { setURL: (url: string) => void } };
  happyDOM.setURL(`https://shop.example${path}`);
}

function hide(hidden: boolean): void {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}

/** A page, and a library that measures what the test says. */
function openPage(options: WebVitalsOptions = {}) {
  const reports = new Map<string, (metric: Metric) => void>();
  const observe = (name: string) => (report: (metric: Metric) => void) => void reports.set(name, report);
  const library = {
    onLCP: observe('LCP'),
    onINP: observe('INP'),
    onCLS: observe('CLS'),
    onFCP: observe('FCP'),
    onTTFB: observe('TTFB'),
  };
  const recorded: { properties: object; page: Record<string, unknown> }[] = [];
  const track = (event: string, properties?: object, more?: object): void => {
    expect(event).toBe('Web Vital');
    const { context } = more as { context: { page: Record<string, unknown> } };
    recorded.push({ properties: properties!, page: context.page });
  };
  undo = webVitals({ track }, { library, ...options });
  const measure = (name: Metric['name'], value: number, more: Partial<Metric> = {}): void =>
    reports.get(name)?.({
      name,
      value,
      rating: 'good',
      id: `v6-${name}`,
      navigationType: 'navigate',
      ...more,
    });
  return { recorded, measure, reports };
}

beforeEach(() => openAddress('/mugs?size=2#top'));
afterEach(() => {
  undo();
  vi.restoreAllMocks();
});

test('metrics are recorded as the page is hidden, each once, with the value that it has by then', () => {
  const { recorded, measure } = openPage();
  measure('LCP', 1_200.4);
  measure('LCP', 1_800.6, { rating: 'good' });
  measure('CLS', 0.123456, { rating: 'needs-improvement' });
  expect(recorded).toEqual([]);
  hide(true);
  hide(false);
  measure('CLS', 0.3);
  hide(true);
  expect(recorded.map(({ properties }) => properties)).toEqual([
    { metric: 'LCP', value: 1801, rating: 'good', metric_id: 'v6-LCP', navigation_type: 'navigate' },
    {
      metric: 'CLS',
      value: 0.1235,
      rating: 'needs-improvement',
      metric_id: 'v6-CLS',
      navigation_type: 'navigate',
    },
  ]);
});

test('what the library finds only as the page is hidden is recorded then, with its last word', async () => {
  const { recorded, measure } = openPage();
  hide(true);
  measure('INP', 48);
  measure('INP', 56);
  await Promise.resolve();
  measure('INP', 64);
  await Promise.resolve();
  expect(recorded.map(({ properties }) => properties)).toMatchObject([{ metric: 'INP', value: 56 }]);
});

test('metrics are recorded as the page is left, before it is hidden', () => {
  const { recorded, measure } = openPage();
  measure('CLS', 0.1);
  window.dispatchEvent(new Event('pagehide'));
  hide(true);
  expect(recorded.map(({ properties }) => properties)).toMatchObject([{ metric: 'CLS', value: 0.1 }]);
});

test('a metric is that of the page that was loaded, wherever an app has gone since', () => {
  const { recorded, measure } = openPage();
  history.pushState(null, '', '/cart');
  measure('LCP', 900);
  measure('FCP', 500, { navigationURL: 'https://shop.example/elsewhere' });
  hide(true);
  expect(recorded.map(({ page }) => page)).toMatchObject([
    { path: '/mugs', search: '?size=2', url: 'https://shop.example/mugs?size=2' },
    { path: '/elsewhere', search: '' },
  ]);
});

test('a return from the back/forward cache is measured by itself', () => {
  const { recorded, measure } = openPage();
  measure('LCP', 900);
  hide(true);
  hide(false);
  measure('LCP', 80, { id: 'v6-LCP-2', navigationType: 'back-forward-cache' });
  hide(true);
  expect(recorded.map(({ properties }) => properties)).toMatchObject([
    { value: 900 },
    { value: 80, navigation_type: 'back-forward-cache' },
  ]);
});

test('what caused a value is recorded where the library says it, without what is secret in it', () => {
  const { recorded, measure } = openPage();
  measure('LCP', 900, {
    attribution: {
      target: '#user-078051120>img',
      url: 'https://cdn.example/hero.jpg?token=secret',
      timeToFirstByte: 12.3456,
      entry: { name: 'secret' },
    },
  });
  hide(true);
  expect(recorded[0]!.properties).toMatchObject({
    attribution: {
      target: '#user-[number]>img',
      url: 'https://cdn.example/hero.jpg',
      timeToFirstByte: 12.35,
    },
  });
  expect(JSON.stringify(recorded)).not.toContain('secret');
});

test('only the metrics that are wanted are measured, and nothing is recorded after the undo', () => {
  const { recorded, measure, reports } = openPage({ metrics: ['LCP', 'CLS'] });
  expect([...reports.keys()]).toEqual(['LCP', 'CLS']);
  measure('LCP', 900);
  undo();
  measure('CLS', 0.1);
  hide(true);
  expect(recorded).toEqual([]);
});

test('options that are unknown or of another type are named', () => {
  expect(() => webVitals({ track: () => undefined }, { metrics: 'LCP', all: true } as object)).toThrow(
    /: metrics, all$/,
  );
});
