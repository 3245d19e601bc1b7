/** Everything that is held on profiles, as lines of a file; read when it is asked for, and stored nowhere. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Registers, traitOfKey } from '../core/traits';
import { readMemberships, readProfiles } from './profiles';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';
import { spansOf } from './timeline-scan';

/** How many events are in memory at a time. */
const CHUNK = sql.lit(500);

type Line = { readonly kind: string } & Readonly<Record<string, unknown>>;

/**
 * For each profile its sums, identifiers and the times in which they were its, traits with where they come from,
 * audiences and events, in chunks and as one snapshot. A cursor inside one transaction, so memory is flat on both
 * sides. Ending the iteration early ends the transaction.
 */
export function exportHeld(
  db: Kysely<Database>,
  workspaceId: string,
  profileIds: readonly string[],
): AsyncGenerator<readonly Line[], void, undefined> {
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    for (const profileId of profileIds) {
      yield await readFacts(transaction, { workspaceId, profileId });
      yield* readEvents(transaction, { workspaceId, profileId });
    }
    // Whoever reads a file without this line has not all of it.
    yield [{ kind: 'end', profiles: profileIds.length }];
  });
}

interface Of {
  readonly workspaceId: string;
  readonly profileId: string;
}

async function readFacts(db: Transaction<Database>, { workspaceId, profileId }: Of): Promise<Line[]> {
  const profiles = await readProfiles(db, workspaceId, [profileId]);
  const { rows: identifiers } = await sql<{ type: string; value: string; from: unknown; to: unknown }>`
    select s.kind as type, s.value, o.from_at as from, o.to_at as to
    from ${spansOf(workspaceId, profileId)} as o
    join subject s on s.workspace_id = ${workspaceId} and s.subject_id = o.subject_id
    order by s.kind desc, s.value, o.from_at`.execute(db);
  const traits = await db
    .selectFrom('profile')
    .select('traits')
    .where('workspace_id', '=', workspaceId)
    .where('profile_id', '=', profileId)
    .executeTakeFirst();
  const memberships = await readMemberships(db, workspaceId, profileId);
  return [
    ...profiles.map((profile) => ({ kind: 'profile', ...profile })),
    ...identifiers.map(({ from, to, ...identifier }) => ({
      ...{ kind: 'identifier', profileId, ...identifier },
      ...{ from: from instanceof Date ? from : null, to: to instanceof Date ? to : null },
    })),
    ...traitLines(traits?.traits ?? {}).map((line) => ({ ...line, profileId })),
    ...memberships.map((audience) => ({ kind: 'membership', profileId, audience })),
  ];
}

function traitLines(registers: Registers): Line[] {
  return Object.entries(registers).map(([key, [value, at, messageId]]) => ({
    ...{ kind: 'trait', ...traitOfKey(key), value, at, messageId },
  }));
}

async function* readEvents(
  db: Transaction<Database>,
  { workspaceId, profileId }: Of,
): AsyncGenerator<Line[], void, undefined> {
  await sql`
    declare held no scroll cursor for
    select coalesce(e.original_message_id, e.message_id::text) as "messageId", e.type, e.name, e.user_id as "userId",
      e.email, e.anonymous_id as "anonymousId", e.group_id as "groupId", e.previous_id as "previousId",
      e.occurred_at as "occurredAt", e.received_at as "receivedAt", e.original_timestamp as "originalTimestamp",
      e.sent_at as "sentAt", e.source_id as "sourceId", e.properties, e.traits, e.context, e.warnings
    from ${spansOf(workspaceId, profileId)} as span
    cross join lateral (
      select * from event
      where workspace_id = ${workspaceId} and subject_id = span.subject_id
        and occurred_at >= span.from_at and occurred_at < span.to_at
      order by occurred_at, message_id) as e`.execute(db);
  for (;;) {
    const { rows } = await sql<Record<string, unknown>>`fetch ${CHUNK} from held`.execute(db);
    if (rows.length === 0) break;
    yield rows.map((row) => ({ kind: 'event', profileId, ...row }));
  }
  await sql`close held`.execute(db);
}
