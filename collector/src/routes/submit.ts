import { MAX_AGE_MS, parseInstant } from '../core/clock';
import { type Normalised, normaliseBatch } from '../core/event';
import { sharedContextOf } from '../core/event-context';
import type { JsonObject } from '../core/json-value';
import type { Rejection } from '../core/refusal';
import type { Access } from '../db/keys';
import type { AcceptedBatch, Verdict } from '../ingest';
import type { Reservation } from '../queue/contract';
import type { RouteContext } from './context';

/** What came with a secret key came through no source. */
const NO_SOURCE = '00000000-0000-0000-0000-000000000000';

/** Events as they came, and what their envelope says of them. */
export interface Submission {
  readonly opened: Access;
  /** What they weigh while they wait for their commit. */
  readonly bytes: number;
  /** What is held for them already. */
  readonly reservation?: Reservation | undefined;
  readonly items: readonly unknown[];
  /** When the sender sent them, by its own clock; anything but an instant counts as not said. */
  readonly sentAt: unknown;
  /** The object around a batch, whose `context` and `integrations` its events share; null for events that come alone. */
  readonly shared: JsonObject | null;
}

/**
 * Normalises events and waits for their commit.
 *
 * @throws QueueFull, QueueClosed, or what the database says
 */
export async function submit(
  context: RouteContext,
  { opened, bytes, reservation, items, sentAt, shared }: Submission,
): Promise<{ verdicts: readonly Verdict[]; normalised: readonly Normalised[] }> {
  const receivedAt = context.now().getTime();
  const normalised = normaliseBatch(items, {
    workspaceId: opened.workspaceId,
    sourceId: sourceIdOf(opened),
    receivedAt,
    sentAt: typeof sentAt === 'string' ? parseInstant(sentAt) : null,
    oldest: opened.kind === 'secret' ? null : receivedAt - MAX_AGE_MS,
    context: shared === null ? null : sharedContextOf(shared),
    newMessageId: context.newId,
  });
  const verdicts = await enqueue(context, { opened, bytes, reservation, items, normalised, receivedAt });
  return { verdicts, normalised };
}

/** Keeps what could not even be read as an event, as a bad row. @throws as {@link submit} */
export async function refuse(
  context: RouteContext,
  { opened, bytes, given, message }: { opened: Access; bytes: number; given: string; message: string },
): Promise<void> {
  const rejection: Rejection = { code: 'invalid_event', message, messageId: null };
  const receivedAt = context.now().getTime();
  await enqueue(context, {
    opened,
    bytes,
    items: [given],
    normalised: [{ ok: false, rejection }],
    receivedAt,
  });
}

type Enqueued = Pick<AcceptedBatch, 'bytes' | 'reservation' | 'items' | 'normalised' | 'receivedAt'>;

/** Waits for the commit of what is normalised already. @throws as {@link submit} */
export async function enqueue(
  { ingest }: RouteContext,
  { opened, bytes, reservation, items, normalised, receivedAt }: Enqueued & { readonly opened: Access },
): Promise<readonly Verdict[]> {
  const { workspaceId, currency } = opened;
  const sourceId = sourceIdOf(opened);
  // Field by field here and above: with spread objects it was a tenth of the processor time of a single event's request.
  const verdicts = await ingest.submit({
    workspaceId,
    currency,
    sourceId,
    receivedAt,
    bytes,
    reservation,
    items,
    normalised,
  });
  return opened.kind === 'secret' ? verdicts : verdicts.map(withoutSuppression);
}

/** Whoever reads a page has its write key, and shall not learn by it who asked to be forgotten. */
function withoutSuppression(verdict: Verdict): Verdict {
  return verdict.status === 'suppressed' ? { ...verdict, status: 'accepted' } : verdict;
}

export function sourceIdOf({ source }: Access): string {
  return source?.sourceId ?? NO_SOURCE;
}
