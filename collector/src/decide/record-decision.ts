import { DECISION_EVENT } from '../core/decision';
import { normaliseBatch, OWN_SOURCE_ID } from '../core/event';
import type { Identifier } from '../core/identifier';
import type { Ingest } from '../ingest';

/** A decision as it is recorded. */
export interface DecisionRecord {
  readonly workspaceId: string;
  /** Of the workspace: a record may be written together with orders that name none. */
  readonly currency: string;
  /** Under which the profile was asked about. */
  readonly identifier: Identifier;
  /** Of the record; it is stored once. */
  readonly messageId: string;
  readonly at: Date;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What it weighs while it waits for its commit. */
const RECORD_BYTES = 4 * 1024;

/**
 * Gives a decision to the write path, as an event of the profile.
 *
 * @returns whether it is stored, once it is committed; one that was stored before is
 */
export async function recordDecision(
  ingest: Ingest,
  { workspaceId, currency, identifier, messageId, at, properties }: DecisionRecord,
): Promise<boolean> {
  const receivedAt = at.getTime();
  const items = [{ type: 'track', event: DECISION_EVENT, messageId, properties, ...namedAs(identifier) }];
  const normalised = normaliseBatch(items, {
    workspaceId,
    sourceId: OWN_SOURCE_ID,
    receivedAt,
    sentAt: null,
    oldest: null,
    context: null,
    newMessageId: () => messageId,
  });
  const batch = {
    workspaceId,
    currency,
    sourceId: OWN_SOURCE_ID,
    receivedAt,
    bytes: RECORD_BYTES,
  };
  const verdicts = await ingest.submit({ ...batch, items, normalised });
  return verdicts.every(({ status }) => status === 'accepted' || status === 'duplicate');
}

function namedAs({ kind, value }: Identifier): object {
  if (kind === 'user') return { userId: value };
  return kind === 'anonymous' ? { anonymousId: value } : { context: { traits: { email: value } } };
}
