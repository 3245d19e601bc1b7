/** Marks: somebody has yet to look whether a profile belongs to an audience. Why none is lost: ARCHITECTURE.md. */
import type { FollowedRule } from '../core/audience-interest';
import { instants, uuids } from './columns';
import type { Querier } from './querier';

/** The rules of a workspace's audiences, also those that are still to become theirs, and of which epoch they are. */
export async function readFollowedRules(
  client: Querier,
  workspaceId: string,
): Promise<{ readonly epoch: number; readonly rules: readonly FollowedRule[] }> {
  const { rows } = await client.query<{
    audience_epoch: number;
    audience_id: string | null;
    rule: unknown;
    wanted_rule: unknown;
  }>(
    `select w.audience_epoch, a.audience_id, a.rule, a.wanted_rule
     from workspace w left join audience a on a.workspace_id = w.workspace_id
     where w.workspace_id = $1`,
    [workspaceId],
  );
  const rules = rows.flatMap(({ audience_id: audienceId, rule, wanted_rule: wanted }) => {
    if (audienceId === null) return [];
    return wanted === null
      ? [{ audienceId, rule }]
      : [rule, wanted].map((each) => ({ audienceId, rule: each }));
  });
  return { epoch: rows[0]?.audience_epoch ?? 0, rules };
}

export interface Mark {
  readonly audienceId: string;
  readonly profileId: string;
}

/** A profile of which events were counted, the first of them at that time. */
export interface CountedProfile {
  readonly profileId: string;
  readonly firstAt: number;
}

/**
 * Writes marks; and for these audiences marks of those profiles that begin with what was counted just now. Two writers
 * that begin one profile at the same time may both think so; that neither does cannot be, since of the two the second
 * to commit may see the first, and the first does not see the second.
 */
export async function insertMarks(
  client: Querier,
  workspaceId: string,
  {
    marks,
    beginning,
  }: {
    readonly marks: readonly Mark[];
    readonly beginning: {
      readonly audienceIds: readonly string[];
      readonly profiles: readonly CountedProfile[];
    };
  },
): Promise<boolean> {
  const { rows } = await client.query(
    `with marked as (
       insert into audience_mark (workspace_id, audience_id, profile_id)
       select $1, audience_id, profile_id from unnest($2::uuid[], $3::uuid[]) as given (audience_id, profile_id)
       union all
       select $1, audience_id, fresh.profile_id
       from (
         select given.profile_id
         from unnest($5::uuid[], $6::timestamptz[]) as given (profile_id, first_at)
         cross join lateral (
           select min(first_seen_at) as at from profile_part
           where workspace_id = $1 and owner_id = given.profile_id
           offset 0) as seen
         where seen.at >= given.first_at) as fresh
       cross join unnest($4::uuid[]) as asking (audience_id)
       returning audience_id)
     select from marked limit 1`,
    [
      workspaceId,
      uuids(marks.map(({ audienceId }) => audienceId)),
      uuids(marks.map(({ profileId }) => profileId)),
      uuids(beginning.audienceIds),
      uuids(beginning.profiles.map(({ profileId }) => profileId)),
      instants(beginning.profiles.map(({ firstAt }) => firstAt)),
    ],
  );
  return rows.length > 0;
}

/** Marks the profiles for every audience: their history moved, and that may change everything. */
export async function markForAll(
  client: Querier,
  workspaceId: string,
  profileIds: readonly string[],
): Promise<void> {
  await client.query(
    `insert into audience_mark (workspace_id, audience_id, profile_id)
     select $1, a.audience_id, moved.profile_id
     from unnest($2::uuid[]) as moved (profile_id)
     cross join audience a
     where a.workspace_id = $1`,
    [workspaceId, uuids(profileIds)],
  );
}
