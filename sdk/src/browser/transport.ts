import { MAX_KEEPALIVE_BYTES } from '../core/batch';
import { batchBody } from '../core/wire';
import type { Answer } from '../core/wire';
import type { Clock } from './clock';
import type { Journal } from './journal';
import type { StoredEvent } from './queue';

/** A request that has no whole answer after this long has failed. */
const REQUEST_PATIENCE_MS = 30_000;

/** Carries batches. */
export interface Transport {
  /**
   * Sends a batch and waits for the answer, status 0 where none comes; then `settle` runs, and only after it do
   * the events no longer count as on their way.
   */
  carry(batch: readonly StoredEvent[], settle: (answer: Answer) => Promise<void>): Promise<void>;
  /** How many bytes of events a request may have now that is to outlive its page. */
  spareBytes(): number;
}

export interface TransportEdges {
  readonly fetch: typeof fetch;
  /** Of the collector's batch route, with the write key. */
  readonly url: string;
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'markFlight'>;
}

/**
 * Requests are CORS-simple (a preflight would not outlive the page) and keepalive where they fit what the
 * browser grants to all of them together.
 */
export function createTransport({ fetch, url, clock, journal }: TransportEdges): Transport {
  let keepaliveBytes = 0;
  const spareBytes = (): number => MAX_KEEPALIVE_BYTES - keepaliveBytes;

  const post = async (body: string, keepalive: boolean): Promise<Answer> => {
    const abort = new AbortController();
    const cancel = clock.after(REQUEST_PATIENCE_MS, () => abort.abort());
    try {
      const response = await fetch(url, {
        method: 'POST',
        // A text goes out as text/plain;charset=UTF-8.
        body,
        keepalive,
        credentials: 'omit',
        signal: abort.signal,
      });
      // What is not JSON is not the collector's; its status may count all the same.
      const json: unknown = await response.json().catch(() => undefined);
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body: json };
    } catch {
      // Offline, refused, blocked, aborted: all the same to the events, which stay.
      return { status: 0, retryAfter: null };
    } finally {
      cancel();
    }
  };

  return {
    spareBytes,
    carry: async (batch, settle) => {
      const bytes = batch.reduce((sum, event) => sum + event.bytes + 1, 0);
      const keepalive = bytes <= spareBytes();
      const body = batchBody(
        batch.map(({ json }) => json),
        new Date(clock.now()).toJSON(),
      );
      const land = journal.markFlight(
        batch.map(({ id }) => id),
        keepalive,
      );
      if (keepalive) keepaliveBytes += bytes;
      const answer = await post(body, keepalive);
      if (keepalive) keepaliveBytes -= bytes;
      await settle(answer).finally(land);
    },
  };
}
