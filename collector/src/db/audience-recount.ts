import { type Kysely, sql } from 'kysely';
import { compileMembership } from './audience-evaluation';
import type { AudienceReference, LockedAudience } from './audience-lock';
import { prepareForPass } from './audience-pass';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** What a count from scratch found. */
export interface Recount {
  /** Members that should be none, and others who should be; without those whom somebody has yet to look at. */
  readonly drift: number;
  /** Some of them. */
  readonly profileIds: readonly string[];
}

const SHOWN = 10;

/**
 * Counts an audience from scratch, at one moment and without holding anybody up, and compares it with its members.
 *
 * @returns null where it is not to be counted now: there is none, or all of it is to be found anew in any case
 */
export function recountAudience(
  db: Kysely<Database>,
  { workspaceId, audienceId, now }: AudienceReference & { readonly now: Date },
): Promise<Recount | null> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    await prepareForPass(transaction);
    const { rows: found } = await sql<Omit<LockedAudience, keyof AudienceReference>>`
      select a.key, a.rule, null as "wantedRule", a.size, a.last_change as "lastChange", a.error, w.timezone, w.currency
      from audience a join workspace w on w.workspace_id = a.workspace_id
      where a.workspace_id = ${workspaceId} and a.audience_id = ${audienceId}
        and not a.is_stale and a.unsettled_since is null and a.wanted_rule is null`.execute(transaction);
    if (found[0] === undefined) return null;
    const audience = { workspaceId, audienceId, ...found[0] };
    const isIts = sql`t.workspace_id = ${workspaceId} and t.audience_id = ${audienceId}`;
    const { rows } = await sql<{ drift: number; profile_ids: string[] | null }>`
      with found as materialized (
        select profile_id from (${compileMembership(audience, { now, profileIds: undefined })}) as x where holds),
      awaited as materialized (
        select t.profile_id from audience_mark t where ${isIts}
        union
        select t.profile_id from audience_check t where ${isIts} and t.check_at <= ${now}),
      differing as materialized (
        select coalesce(x.profile_id, m.profile_id) as profile_id
        from found x
        full join (select t.profile_id from audience_member t where ${isIts}) m on m.profile_id = x.profile_id
        where x.profile_id is null or m.profile_id is null),
      wrong as (
        select d.profile_id from differing d left join awaited w on w.profile_id = d.profile_id
        where w.profile_id is null)
      select count(*) as drift, (array_agg(profile_id))[1:${sql.lit(SHOWN)}] as profile_ids from wrong`.execute(
      transaction,
    );
    const { drift, profile_ids: profileIds } = rows[0]!;
    await transaction
      .updateTable('audience')
      .set({ checked_at: now, drift, ...(drift > 0 ? { is_stale: true } : {}) })
      .where('workspace_id', '=', workspaceId)
      .where('audience_id', '=', audienceId)
      .execute();
    return { drift, profileIds: profileIds ?? [] };
  });
}
