/**
 * What erasing a profile reads and writes; every table that holds something of somebody is named in this file, or in
 * erase-memberships.ts.
 */
import { type Kysely, sql } from 'kysely';
import type { Tombstone } from '../core/suppression';
import { listedIn, type OfProfile } from './erase-memberships';
import type { Database } from './tables';

/** A transaction deletes no more rows than this: ingest waits for none of them long. */
const ROWS_PER_STEP = sql.lit(5_000);
/** No subject has this ID: of an order that was erased only its key is left. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Where something of an erased profile could be left. */
type LeftIn = 'events' | 'orders' | 'parts' | 'revenue' | 'memberships' | 'changes' | 'lists' | 'identifiers';

export interface Owned {
  readonly subjectId: string;
  readonly kind: 'user' | 'email' | 'anonymous';
}

/** The profile's own subject and those that it owns at some time, in sorted order. */
export async function readOwned(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<Owned[]> {
  const { rows } = await sql<{ subject_id: string; kind: Owned['kind'] }>`
    select s.subject_id, s.kind
    from subject s
    where s.workspace_id = ${workspaceId} and s.subject_id in (
      select ${profileId}::uuid
      union
      select subject_id from ownership where workspace_id = ${workspaceId} and owner_id = ${profileId})
    order by s.subject_id`.execute(db);
  return rows.map((row) => ({ subjectId: row.subject_id, kind: row.kind }));
}

/** When the profile was last seen, as its parts say; null where nothing is counted for it. */
export async function readLastSeen(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<Date | null> {
  const { rows } = await sql<{ at: Date | null }>`
    select max(last_seen_at) as at from profile_part
    where workspace_id = ${workspaceId} and owner_id = ${profileId} and event_count > 0`.execute(db);
  return rows[0]!.at;
}

export interface Erasing extends OfProfile {
  readonly regulationId: string;
  readonly erasedAt: Date;
}

/**
 * Notes what the profile owns as erased: the times, which end when it is erased, and its users and emails, which are
 * suppressed too. Whoever is erased again adds to what was noted before.
 */
export async function insertErasure(
  db: Kysely<Database>,
  { workspaceId, profileId, regulationId, erasedAt }: Erasing,
  namedIds: readonly string[],
): Promise<void> {
  await sql`
    insert into tombstone as t (workspace_id, subject_id, from_at, to_at, owner_id, regulation_id)
    select ${workspaceId}, subject_id, from_at, least(to_at, ${erasedAt}::timestamptz), ${profileId}, ${regulationId}
    from (
      select subject_id, from_at, to_at from ownership
      where workspace_id = ${workspaceId} and owner_id = ${profileId}
      union all
      select ${profileId}::uuid, '-infinity', 'infinity'
      where not exists (
        select from ownership where workspace_id = ${workspaceId} and subject_id = ${profileId})) as owned
    where from_at < ${erasedAt}::timestamptz
    on conflict (workspace_id, subject_id, from_at) do update
    set to_at = greatest(t.to_at, excluded.to_at), regulation_id = excluded.regulation_id`.execute(db);
  await sql`
    insert into erasure (workspace_id, subject_id, owner_id, target_id, erased_at)
    select ${workspaceId}, named.subject_id, ${profileId}, coalesce(o.target_id, named.subject_id), ${erasedAt}
    from unnest(${[...namedIds]}::uuid[]) as named (subject_id)
    left join ownership o on o.workspace_id = ${workspaceId} and o.subject_id = named.subject_id and o.to_at = 'infinity'
    on conflict (workspace_id, subject_id) do update set owner_id = excluded.owner_id,
      target_id = excluded.target_id, erased_at = excluded.erased_at`.execute(db);
  await sql`
    delete from profile_link
    where workspace_id = ${workspaceId}
      and (source_id = any(${[...namedIds]}::uuid[]) or target_id = any(${[...namedIds]}::uuid[]))`.execute(
    db,
  );
}

/** Sums and traits: from then on there is no such profile. */
export async function deleteParts(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<void> {
  for (const table of ['profile_revenue', 'profile_part'] as const) {
    await db
      .deleteFrom(table)
      .where('workspace_id', '=', workspaceId)
      .where('owner_id', '=', profileId)
      .execute();
  }
}

/** The erased times, beside the rows of a table from them. */
const inGraves = (
  { workspaceId, profileId }: OfProfile,
  rows: 'event' | 'order_entry',
  columns: string,
) => sql`
  tombstone grave
  cross join lateral (
    select ${sql.raw(columns)} from ${sql.table(rows)} found
    where found.workspace_id = ${workspaceId} and found.subject_id = grave.subject_id
      and found.occurred_at >= grave.from_at and found.occurred_at < grave.to_at
    offset 0) as found
  where grave.workspace_id = ${workspaceId} and grave.owner_id = ${profileId}`;

/** @returns how many */
export async function deleteSomeEvents(db: Kysely<Database>, profile: OfProfile): Promise<number> {
  const { workspaceId } = profile;
  const { numAffectedRows } = await sql`
    delete from event
    using (
      select found.received_at, found.message_id
      from ${inGraves(profile, 'event', 'received_at, message_id')}
      limit ${ROWS_PER_STEP}) as erased
    where event.workspace_id = ${workspaceId}
      and event.received_at = erased.received_at and event.message_id = erased.message_id`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Locks the orders and refunds of these subjects, in sorted order, as groups do before they add to parts. */
export async function lockOrders(
  db: Kysely<Database>,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<void> {
  await sql`
    select count(*) from (
      select from order_entry
      where workspace_id = ${workspaceId} and subject_id = any(${[...subjectIds]}::uuid[])
      order by entry_key
      for update) as locked`.execute(db);
}

/**
 * Empties entries of orders and refunds. Of one with an order's number the key stays: the order was counted once, and
 * another event with its number shall not count in its place.
 *
 * @returns how many
 */
export async function eraseOrders(db: Kysely<Database>, profile: OfProfile): Promise<number> {
  const { workspaceId } = profile;
  const { rows } = await sql<{ entry_key: string; has_number: boolean }>`
    select found.entry_key, found.entry_key <> found.message_id as has_number
    from ${inGraves(profile, 'order_entry', 'entry_key, message_id')}`.execute(db);
  const keysOf = (hasNumber: boolean) =>
    rows.filter((row) => row.has_number === hasNumber).map((row) => row.entry_key);
  await sql`
    update order_entry
    set message_id = ${NOBODY}, subject_id = ${NOBODY}, occurred_at = '-infinity', amount = null
    where workspace_id = ${workspaceId} and entry_key = any(${keysOf(true)}::uuid[])`.execute(db);
  await sql`
    delete from order_entry
    where workspace_id = ${workspaceId} and entry_key = any(${keysOf(false)}::uuid[])`.execute(db);
  return rows.length;
}

/** The erased times of a profile. */
export async function readTombstones(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<Tombstone[]> {
  const rows = await db
    .selectFrom('tombstone')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('owner_id', '=', profileId)
    .execute();
  return rows.map((row) => ({
    subjectId: row.subject_id,
    fromAt: Number(row.from_at),
    toAt: Number(row.to_at),
    ownerId: row.owner_id,
    regulationId: row.regulation_id,
  }));
}

/**
 * Takes the readable value off what the profile went by: its users and emails, and devices that nobody else has a part
 * or a time of. The rows stay, for writers lock them, and get their value again by the next event that is taken.
 */
export async function blankSubjects(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<void> {
  await sql`
    update subject s
    set value = ''
    where s.workspace_id = ${workspaceId}
      and s.subject_id in (
        select subject_id from tombstone where workspace_id = ${workspaceId} and owner_id = ${profileId})
      and (
        exists (
          select from erasure e
          where e.workspace_id = ${workspaceId} and e.subject_id = s.subject_id and e.owner_id = ${profileId})
        or not exists (
          select from profile_part p
          where p.workspace_id = ${workspaceId} and p.subject_id = s.subject_id and p.owner_id <> ${profileId})
        and not exists (
          select from ownership o
          where o.workspace_id = ${workspaceId} and o.subject_id = s.subject_id
            and o.owner_id not in (${profileId}, s.subject_id)))`.execute(db);
}

/**
 * What is left of an erased profile, counted in each table that could hold something; all 0 once it is gone. A visitor
 * who was never anybody but a device may have come again since: what is younger than the erasure is another life.
 */
export async function countLeft(
  db: Kysely<Database>,
  profile: OfProfile & { readonly erasedAt: Date },
): Promise<Readonly<Record<LeftIn, number>>> {
  const { workspaceId, profileId, erasedAt } = profile;
  const isIts = sql`workspace_id = ${workspaceId} and owner_id = ${profileId}`;
  const { rows } = await sql<Record<LeftIn, number>>`
    select
      (select count(*) from ${inGraves(profile, 'event', 'message_id')}) as events,
      (select count(*) from ${inGraves(profile, 'order_entry', 'entry_key')}) as orders,
      (select count(*) from profile_part where ${isIts} and first_seen_at < ${erasedAt}) as parts,
      (select count(*) from profile_revenue r
       where ${isIts} and not exists (
         select from profile_part p
         where p.workspace_id = ${workspaceId} and p.owner_id = r.owner_id and p.subject_id = r.subject_id)) as revenue,
      (select count(*) from audience_member
       where workspace_id = ${workspaceId} and profile_id = ${profileId} and entered_at < ${erasedAt}) as memberships,
      (select count(*) from audience_change
       where workspace_id = ${workspaceId} and profile_id = ${profileId} and at < ${erasedAt}
         and change = 'entered') as changes,
      (select count(*) from ${listedIn(profile)}) as lists,
      (select count(*) from subject s join erasure e using (workspace_id, subject_id)
       where s.workspace_id = ${workspaceId} and e.owner_id = ${profileId} and s.value <> '') as identifiers`.execute(
    db,
  );
  return rows[0]!;
}

/** The ID of the transaction that runs, as Postgres numbers them. */
export async function readTransactionId(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(db);
  return rows[0]!.id;
}

/** Whether every transaction that began before that one is over: what it wrote is seen, or it wrote nothing. */
export async function areOlderOver(db: Kysely<Database>, transactionId: string): Promise<boolean> {
  const { rows } = await sql<{ is_over: boolean }>`
    select pg_snapshot_xmin(pg_current_snapshot()) > ${transactionId}::text::xid8 as is_over`.execute(db);
  return rows[0]!.is_over;
}
