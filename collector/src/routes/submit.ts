import { MAX_AGE_MS, parseInstant } from '../core/clock';
import { type Normalised, normaliseBatch } from '../core/event';
import { isObject, type JsonObject } from '../core/json-value';
import type { Access } from '../db/keys';
import type { Verdict } from '../ingest';
import type { RouteContext } from './context';

/** What came with a secret key came through no source. */
const NO_SOURCE = '00000000-0000-0000-0000-000000000000';

/** Events as they came, and what their envelope says of them. */
export interface Submission {
  readonly opened: Access;
  /** What they weigh while they wait for their commit. */
  readonly bytes: number;
  readonly items: readonly unknown[];
  /** When the sender sent them, by its own clock; anything but an instant counts as not said. */
  readonly sentAt: unknown;
  /** The object around a batch, whose `context` its events share; null for events that come alone. */
  readonly shared: JsonObject | null;
}

/**
 * Normalises events and waits for their commit.
 *
 * @throws QueueFull, QueueClosed, or what the database says
 */
export async function submit(
  { ingest, now, newId }: RouteContext,
  { opened, bytes, items, sentAt, shared }: Submission,
): Promise<{ verdicts: readonly Verdict[]; normalised: readonly Normalised[] }> {
  const receivedAt = now().getTime();
  const { workspaceId, currency, source, kind } = opened;
  const normalised = normaliseBatch(items, {
    workspaceId,
    receivedAt,
    sentAt: typeof sentAt === 'string' ? parseInstant(sentAt) : null,
    oldest: kind === 'secret' ? null : receivedAt - MAX_AGE_MS,
    context: isObject(shared?.['context']) ? shared['context'] : null,
    newMessageId: newId,
  });
  const sourceId = source?.sourceId ?? NO_SOURCE;
  const verdicts = await ingest.submit({
    workspaceId,
    currency,
    sourceId,
    receivedAt,
    bytes,
    items,
    normalised,
  });
  return { verdicts, normalised };
}
