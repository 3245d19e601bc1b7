import 'fake-indexeddb/auto';
import { createTracker } from '../src';
import type { TrackerOptions, WireEvent } from '../src';

let trackers = 0;

export interface OpenOptions extends Partial<TrackerOptions> {
  /** What the collector answers to a batch; a verdict that accepts all of it, if absent. */
  readonly reply?: (batch: readonly WireEvent[]) => Response;
}

export function acceptAll(batch: readonly WireEvent[]): Response {
  return Response.json({ accepted: batch.length, duplicates: 0, rejected: [] });
}

/** A tracker of a visitor of its own, unless a namespace says otherwise, and what its collector was sent. */
export function open({ reply = acceptAll, ...options }: OpenOptions = {}) {
  const events: WireEvent[] = [];
  const urls: string[] = [];
  const namespace = `test${(trackers += 1)}`;
  const tracker = createTracker({
    writeKey: 'pk_test',
    host: 'https://collect.example/',
    namespace,
    fetch: (url, init) => {
      const { batch } = JSON.parse(init!.body as string) as { batch: WireEvent[] };
      events.push(...batch);
      urls.push(url as string);
      return Promise.resolve(reply(batch));
    },
    ...options,
  });
  return { tracker, events, urls, namespace };
}
