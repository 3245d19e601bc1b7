import { type Kysely, sql } from 'kysely';
import { readEventsAt, type ShownEvent } from './events';
import { type ProfileIdentifier, readIdentifiers } from './profile-detail';
import { type ProfileSummary, readProfiles } from './profiles';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';
import { spansOf } from './timeline-scan';

/** All that is kept of a profile, piece by piece. */
export type ExportedPiece =
  | { readonly profile: ProfileSummary }
  | { readonly identifier: ProfileIdentifier }
  | { readonly event: ShownEvent };

/** How many events are in memory at a time. */
const CHUNK = sql.lit(500);

/**
 * The profile, its identifiers, then its events, oldest first, in chunks and as one snapshot. What is sorted are places;
 * the events are read as they go out, so that memory is flat on both sides. Ending the iteration early ends the
 * transaction.
 */
export function exportProfile(
  db: Kysely<Database>,
  workspaceId: string,
  profileId: string,
): AsyncGenerator<readonly ExportedPiece[], void, undefined> {
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    const profiles = await readProfiles(transaction, workspaceId, [profileId]);
    const { identifiers } = await readIdentifiers(transaction, workspaceId, { profileId, limit: null });
    yield [...profiles.map((profile) => ({ profile })), ...identifiers.map((identifier) => ({ identifier }))];
    await sql`
      declare places no scroll cursor for
      select e.message_id, (extract(epoch from e.received_at) * 1000)::bigint as received_ms
      from ${spansOf(workspaceId, profileId)} as span cross join lateral (
        select occurred_at, message_id, received_at from event
        where workspace_id = ${workspaceId} and subject_id = span.subject_id
          and occurred_at >= span.from_at and occurred_at < span.to_at
        offset 0) as e
      order by e.occurred_at, e.message_id`.execute(transaction);
    for (;;) {
      const { rows } = await sql<{ message_id: string; received_ms: number }>`
        fetch ${CHUNK} from places`.execute(transaction);
      if (rows.length === 0) break;
      const places = rows.map(({ message_id, received_ms }) => ({ id: message_id, receivedAt: received_ms }));
      const events = await readEventsAt(transaction, workspaceId, { places, hasContext: true });
      yield events.map((event) => ({ event }));
    }
  });
}
