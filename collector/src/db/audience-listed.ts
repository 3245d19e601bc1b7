/** Static audiences: whom they list. A subject is listed, and whoever it stands for now is the member. */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { AudienceReference } from './audience-lock';
import type { Database } from './tables';

/** Whom a listed subject stands for (see resolveProfile()), as the row `its` with profile_id. */
const standsFor = (workspaceId: string, subjectId: RawBuilder<unknown>) => sql`
  lateral (
    select found.profile_id from (
      select p.owner_id as profile_id, 0 as rank from profile_part p
      where p.workspace_id = ${workspaceId} and p.owner_id = ${subjectId}
      union all
      select o.owner_id, 1 from ownership o
      where o.workspace_id = ${workspaceId} and o.subject_id = ${subjectId} and o.to_at = 'infinity') as found
    order by found.rank
    limit 1) as its`;

/** Rows of profile_id, holds and next_check_at, as a rule gives them: those of a list that there are. */
export function evaluateList(
  { workspaceId, audienceId }: AudienceReference,
  profileIds: readonly string[] | undefined,
): RawBuilder<unknown> {
  const scope =
    profileIds === undefined
      ? sql`true`
      : sql`(l.subject_id = any(${profileIds}::uuid[]) or l.subject_id in (
          select o.subject_id from ownership o
          where o.workspace_id = ${workspaceId} and o.owner_id = any(${profileIds}::uuid[])))
        and its.profile_id = any(${profileIds}::uuid[])`;
  return sql`
    select distinct its.profile_id, true as holds, null::timestamptz as next_check_at
    from audience_listed l cross join ${standsFor(workspaceId, sql.ref('l.subject_id'))}
    where l.workspace_id = ${workspaceId} and l.audience_id = ${audienceId} and ${scope}
      and exists (
        select from profile_part p where p.workspace_id = ${workspaceId} and p.owner_id = its.profile_id)`;
}

/** For each of these subjects whom it stands for; nobody knows the others. */
export async function resolveAll(
  transaction: Transaction<Database>,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ subject_id: string; profile_id: string }>`
    select given.subject_id, its.profile_id
    from unnest(${subjectIds}::uuid[]) as given (subject_id)
    cross join ${standsFor(workspaceId, sql.ref('given.subject_id'))}`.execute(transaction);
  return new Map(rows.map((row) => [row.subject_id, row.profile_id]));
}

export async function addToList(
  transaction: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
  subjectIds: readonly string[],
): Promise<void> {
  await sql`
    insert into audience_listed (workspace_id, audience_id, subject_id)
    select distinct ${workspaceId}::uuid, ${audienceId}::uuid, subject_id
    from unnest(${subjectIds}::uuid[]) as given (subject_id)
    on conflict do nothing`.execute(transaction);
}

/** Takes a profile off the list, by whichever of its subjects it is on it. */
export async function takeOffList(
  transaction: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
  profileId: string,
): Promise<void> {
  await sql`
    delete from audience_listed
    where workspace_id = ${workspaceId} and audience_id = ${audienceId} and subject_id in (
      select l.subject_id
      from audience_listed l cross join ${standsFor(workspaceId, sql.ref('l.subject_id'))}
      where l.workspace_id = ${workspaceId} and l.audience_id = ${audienceId} and its.profile_id = ${profileId}
        and (l.subject_id = ${profileId} or l.subject_id in (
          select o.subject_id from ownership o
          where o.workspace_id = ${workspaceId} and o.owner_id = ${profileId})))`.execute(transaction);
}

export async function clearList(
  transaction: Transaction<Database>,
  { workspaceId, audienceId }: AudienceReference,
): Promise<void> {
  await transaction
    .deleteFrom('audience_listed')
    .where('workspace_id', '=', workspaceId)
    .where('audience_id', '=', audienceId)
    .execute();
}
