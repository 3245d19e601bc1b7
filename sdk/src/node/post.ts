import { batchBody } from '../core/wire';
import type { Answer } from '../core/wire';
import type { NodeSettings } from './options';

/** A request that has no whole answer after this long has failed. */
const REQUEST_PATIENCE_MS = 30_000;

/** Sends events, each JSON already, and waits for the answer; status 0 where none comes, and then why. */
export type Post = (
  events: readonly string[],
  sentAt: Date,
) => Promise<Answer & { readonly cause?: unknown }>;

/** @param end aborts what is on its way */
export function createPost(
  { host, writeKey, fetch }: Pick<NodeSettings, 'host' | 'writeKey' | 'fetch'>,
  end: AbortSignal,
): Post {
  const headers = {
    'content-type': 'application/json',
    // In the header, where no log of a proxy shows it.
    authorization: `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`,
  };
  return async (events, sentAt) => {
    const signal = AbortSignal.any([end, AbortSignal.timeout(REQUEST_PATIENCE_MS)]);
    const body = batchBody(events, sentAt.toISOString());
    try {
      const response = await fetch(`${host}/v1/batch`, { method: 'POST', headers, body, signal });
      // What is not JSON is not the collector's; its status may count all the same.
      const json: unknown = await response.json().catch(() => undefined);
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body: json };
    } catch (cause) {
      // Refused, reset, too slow, aborted: all the same to the events, which stay.
      return { status: 0, retryAfter: null, body: undefined, cause };
    }
  };
}
