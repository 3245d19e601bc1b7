/** What audiences hold of a profile that is erased. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { type LockedAudience, lockAudience } from './audience-lock';
import { forgetExcerpts } from './delivery-log';
import type { Database } from './tables';

export interface OfProfile {
  readonly workspaceId: string;
  readonly profileId: string;
}

/** Audiences that know of the profile: it is a member or was one, is to be looked at, or is on the list. */
export async function listAudiencesOf(
  db: Kysely<Database>,
  { workspaceId, profileId }: OfProfile,
): Promise<string[]> {
  const isIts = sql`workspace_id = ${workspaceId} and profile_id = ${profileId}`;
  const { rows } = await sql<{ audience_id: string }>`
    select audience_id from audience_member where ${isIts}
    union
    select audience_id from audience_change where ${isIts} and cause <> 'erasure'
    union
    select c.audience_id from audience a join audience_check c using (workspace_id, audience_id)
    where a.workspace_id = ${workspaceId} and c.profile_id = ${profileId}
    union
    select l.audience_id from ${listedIn({ workspaceId, profileId })}`.execute(db);
  return rows.map((row) => row.audience_id);
}

/** Entries of lists that name the profile, or whatever lost its value or was suppressed when it was erased. */
export const listedIn = ({ workspaceId, profileId }: OfProfile) => sql`(
  select l.audience_id, l.subject_id
  from audience_listed l
  where l.workspace_id = ${workspaceId} and (l.subject_id = ${profileId} or l.subject_id in (
    select e.subject_id from erasure e where e.workspace_id = ${workspaceId} and e.owner_id = ${profileId}
    union
    select t.subject_id
    from tombstone t join subject s on s.workspace_id = t.workspace_id and s.subject_id = t.subject_id
    where t.workspace_id = ${workspaceId} and t.owner_id = ${profileId} and s.value = ''))) as l`;

/**
 * Takes the profile out of an audience, which is locked for it: whoever looked at it before has ended. Of its changes
 * only the last one stays, that it exited: whoever follows them is told so.
 *
 * @returns 1 where it was a member, else 0
 */
export async function leaveAudience(
  db: Transaction<Database>,
  profile: OfProfile & { readonly erasedAt: Date },
  audienceId: string,
): Promise<number> {
  const { workspaceId, profileId, erasedAt } = profile;
  const audience = await lockAudience(db, { workspaceId, audienceId });
  if (audience === null) return 0;
  const isIts = sql`workspace_id = ${workspaceId} and audience_id = ${audienceId}`;
  await sql`delete from audience_listed where ${isIts} and subject_id in (
    select l.subject_id from ${listedIn(profile)} where l.audience_id = ${audienceId})`.execute(db);
  await forgetExcerpts(db, { workspaceId, audienceId, profileId });
  const { rows } = await sql<{ was: number; is_told: boolean }>`
    with gone as (
      delete from audience_member where ${isIts} and profile_id = ${profileId} returning profile_id),
    unchecked as (delete from audience_check where ${isIts} and profile_id = ${profileId}),
    forgotten as (
      delete from audience_change where ${isIts} and profile_id = ${profileId} returning change_no)
    select (select count(*) from gone) as was, exists (select from forgotten) as is_told`.execute(db);
  const { was, is_told: isTold } = rows[0]!;
  if (isTold) await tellExit(db, { audience, profileId, at: erasedAt, was });
  return was;
}

async function tellExit(
  db: Transaction<Database>,
  {
    audience,
    profileId,
    at,
    was,
  }: {
    readonly audience: LockedAudience;
    readonly profileId: string;
    readonly at: Date;
    readonly was: number;
  },
): Promise<void> {
  const { workspaceId, audienceId, lastChange, size } = audience;
  await sql`
    with told as (
      insert into audience_change (workspace_id, audience_id, change_no, profile_id, change, at, cause)
      values (${workspaceId}, ${audienceId}, ${lastChange + 1}, ${profileId}, 'exited', ${at}, 'erasure')),
    sized as (
      insert into audience_size as s (workspace_id, audience_id, hour, size, entered, exited)
      values (${workspaceId}, ${audienceId}, date_trunc('hour', ${at}::timestamptz, 'UTC'), ${size - was}, 0, ${was})
      on conflict (workspace_id, audience_id, hour) do update
      set size = excluded.size, exited = s.exited + excluded.exited)
    update audience set size = ${size - was}, last_change = ${lastChange + 1}
    where workspace_id = ${workspaceId} and audience_id = ${audienceId}`.execute(db);
}
