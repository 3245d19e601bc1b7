/** Other people's libraries as their documentation says to use them, with the options that lose least. */
import { join } from 'node:path';
import { build } from 'vite';
import type { Subject } from '../../test/support/delivery/subject';

interface Peer {
  readonly name: string;
  /** What a page that only tracks would write; `HOST` is where it sends to. */
  readonly code: string;
  /** Tracks an event with `properties`. */
  readonly track: string;
}

export const PEERS: readonly Peer[] = [
  {
    name: '@segment/analytics-next',
    // Without its settings inline it would ask Segment's CDN for them; keepalive is off by default.
    code: `import { AnalyticsBrowser } from '@segment/analytics-next';
      const { host, pathname } = new URL(HOST);
      const segment = {
        apiKey: 'key', apiHost: host + pathname + '/v1', protocol: 'http',
        deliveryStrategy: { strategy: 'standard', config: { keepalive: true } },
      };
      window.peer = AnalyticsBrowser.load(
        { writeKey: 'key', cdnSettings: { integrations: { 'Segment.io': segment }, metrics: { sampleRate: 0 } } },
        { integrations: { 'Segment.io': segment } },
      );`,
    track: `peer.track('Counted', properties)`,
  },
  {
    name: 'posthog-js',
    // It takes a browser without a head for a bot otherwise; only events, none of its other products.
    code: `import posthog from 'posthog-js';
      posthog.init('key', {
        api_host: HOST, opt_out_useragent_filter: true, advanced_disable_flags: true, disable_compression: true,
        autocapture: false, capture_pageview: false, capture_pageleave: false, disable_session_recording: true,
        disable_surveys: true, disable_external_dependency_loading: true,
      });
      window.peer = posthog;`,
    track: `peer.capture('Counted', properties)`,
  },
];

/** Only for their size: they need servers of their own. */
export const WEIGHED: ReadonlyArray<{ readonly name: string; readonly code: string }> = [
  ...PEERS,
  {
    name: '@rudderstack/analytics-js',
    code: `import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';
      new RudderAnalytics().load('key', HOST);`,
  },
  {
    name: '@snowplow/browser-tracker',
    code: `import { newTracker, trackPageView } from '@snowplow/browser-tracker';
      newTracker('sp', HOST, { appId: 'shop' }); trackPageView();`,
  },
  {
    name: '@jitsu/js',
    code: `import { jitsuAnalytics } from '@jitsu/js';
      jitsuAnalytics({ host: HOST, writeKey: 'key' }).track('Counted');`,
  },
];

/** One minified script with all that this code imports. */
export async function bundle(code: string, host: string): Promise<string> {
  const root = join(import.meta.dirname, '../..');
  // A file that is not there: its place is from where packages are found.
  const entry = join(root, 'page.js');
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? `const HOST = ${host};\n${code}` : null),
      },
    ],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, minify: true, target: 'es2020', lib: { entry, formats: ['iife'], name: 'page' } },
  });
  const [{ output }] = [result].flat() as unknown as [{ output: readonly { code: string }[] }];
  return output[0]!.code;
}

export async function asSubject({ name, code, track }: Peer): Promise<Subject> {
  const script = await bundle(code, 'document.currentScript.dataset.host');
  return { name, script: () => script, attributes: (laneUrl) => `data-host="${laneUrl}"`, track };
}
