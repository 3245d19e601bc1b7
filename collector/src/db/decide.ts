/** What is stored of somebody, as a decision reads it: in one snapshot, and without a scan of anything. */
import type { Kysely } from 'kysely';
import type { Identifier, IdentifierKind } from '../core/identifier';
import type { NamedAudience } from '../core/decision-audiences';
import type { DecisionDefinition } from '../core/decision';
import { checkRule } from '../core/rule-check';
import type { Rule } from '../core/rule';
import { readDefinition } from './decisions';
import { evaluateList } from './audience-listed';
import type { Querier } from './querier';
import { compileRule } from './rule-sql';
import type { Database } from './tables';

/** One snapshot for all that follows, that sees one workspace. Sent along with what is asked. */
export async function beginDecision(
  client: Querier,
  { workspaceId, timeoutMs }: { readonly workspaceId: string; readonly timeoutMs: number },
): Promise<void> {
  const limit = String(Math.max(1, Math.ceil(timeoutMs)));
  await Promise.all([
    client.query('begin isolation level repeatable read read only'),
    client.query(
      `select set_config('throughline.workspace', $1, true), set_config('statement_timeout', $2, true),
         set_config('lock_timeout', $2, true), set_config('jit', 'off', true)`,
      [workspaceId, limit],
    ),
  ]);
}

/** A version that answers, under the name by which it was asked for. */
export interface ActiveDecision {
  readonly id: string;
  readonly key: string;
  readonly version: number;
}

/** Who is asked about: a subject, whose profile now is meant. */
export interface DecisionPlace {
  readonly workspaceId: string;
  readonly subjectId: string;
  /** A decision's key or ID. */
  readonly reference: string;
}

export interface AskedNow {
  /** null: there is no such decision. */
  readonly active: ActiveDecision | null;
  /** null: nobody was ever seen under the subject. */
  readonly profileId: string | null;
  /** What the subject is the ID of. */
  readonly identifier: Identifier | null;
  readonly timezone: string;
  readonly currency: string;
}

/** As resolveProfile() in profiles.ts; `$1` is the workspace, `$2` the subject. */
const PROFILE = `
  select found.profile_id from (
    select owner_id as profile_id, 0 as rank from profile_part
    where workspace_id = $1::uuid and owner_id = $2::uuid
    union all
    select owner_id, 1 from ownership
    where workspace_id = $1::uuid and subject_id = $2::uuid and to_at = 'infinity') as found
  order by rank
  limit 1`;

/** Which version answers now, and whom the subject stands for. */
export async function readAskedNow(
  client: Querier,
  { workspaceId, subjectId, reference }: DecisionPlace,
): Promise<AskedNow> {
  const { rows } = await client.query<{
    decision_id: string | null;
    key: string;
    active_version: number;
    profile_id: string | null;
    kind: IdentifierKind | null;
    value: string;
    timezone: string;
    currency: string;
  }>(
    `select d.decision_id, d.key, d.active_version, (${PROFILE}) as profile_id, s.kind, s.value, w.timezone, w.currency
     from workspace w
     left join subject s on s.workspace_id = w.workspace_id and s.subject_id = $2::uuid
     left join decision d on d.workspace_id = w.workspace_id and (d.key = $3 or d.decision_id::text = $3)
     where w.workspace_id = $1::uuid`,
    [workspaceId, subjectId, reference],
  );
  const row = rows[0]!;
  const { decision_id: id, key, active_version: version, kind, value } = row;
  return {
    active: id === null ? null : { id, key, version },
    profileId: row.profile_id,
    identifier: kind === null ? null : { kind, value },
    timezone: row.timezone,
    currency: row.currency,
  };
}

/** A version's definition. */
export async function readVersion(
  client: Querier,
  workspaceId: string,
  { id, version }: ActiveDecision,
): Promise<DecisionDefinition> {
  const { rows } = await client.query<{ definition: unknown }>(
    `select definition from decision_version
     where workspace_id = $1::uuid and decision_id = $2::uuid and version = $3`,
    [workspaceId, id, version],
  );
  return readDefinition(rows[0]!.definition);
}

/** Where more wait than these, everybody counts as waiting: the rest is not searched. */
const MAX_MARKS_READ = 200;

/**
 * The audiences with these keys, and whether the subject's profile is in them. An audience is pending where a mark or a
 * check that is due says so of the profile, or where its members are still to be found.
 */
export async function readNamedAudiences(
  client: Querier,
  { workspaceId, subjectId }: Pick<DecisionPlace, 'workspaceId' | 'subjectId'>,
  { keys, now }: { readonly keys: readonly string[]; readonly now: Date },
): Promise<NamedAudience[]> {
  if (keys.length === 0) return [];
  const { rows } = await client.query<{
    audience_id: string;
    key: string;
    rule: string | null;
    is_member: boolean;
    is_pending: boolean;
  }>(
    `select a.audience_id, a.key, a.rule::text as rule, m.profile_id is not null as is_member,
       a.is_stale or a.unsettled_since is not null or a.rebuilt_at is null or marked.is_waiting or exists (
         select from audience_check c
         where c.workspace_id = $1::uuid and c.audience_id = a.audience_id and c.profile_id = its.profile_id
           and c.check_at <= $4::timestamptz) as is_pending
     from (${PROFILE}) as its
     cross join audience a
     left join audience_member m
       on m.workspace_id = $1::uuid and m.audience_id = a.audience_id and m.profile_id = its.profile_id
     cross join lateral (
       select count(*) >= ${MAX_MARKS_READ} or coalesce(bool_or(first.profile_id = its.profile_id), false) as is_waiting
       from (
         select t.profile_id from audience_mark t
         where t.workspace_id = $1::uuid and t.audience_id = a.audience_id
         order by t.mark_id limit ${MAX_MARKS_READ}) as first) as marked
     where a.workspace_id = $1::uuid and a.key = any($3::text[])`,
    [workspaceId, subjectId, keys, now],
  );
  return rows.map((row) => ({
    key: row.key,
    id: row.audience_id,
    rule: readRule(row.rule),
    isMember: row.is_member,
    isPending: row.is_pending,
  }));
}

/** null for a list, and for what can no longer be read: what is stored counts then. Each text is read once. */
function readRule(stored: string | null): Rule | null {
  if (stored === null) return null;
  let rule = rules.get(stored);
  if (rule === undefined) {
    const checked = checkRule(JSON.parse(stored));
    rule = checked.ok ? checked.rule : null;
    if (rules.size >= MAX_RULES) rules.clear();
    rules.set(stored, rule);
  }
  return rule;
}

const rules = new Map<string, Rule | null>();
const MAX_RULES = 1_000;

export interface OneProfile {
  readonly workspaceId: string;
  readonly profileId: string;
  readonly timezone: string;
  readonly currency: string;
  readonly now: Date;
  readonly memberships: ReadonlyMap<string, boolean>;
}

/** Whether one profile belongs to an audience now, as whoever writes its members would find. */
export async function isMemberNow(
  client: Querier,
  db: Kysely<Database>,
  { audience, of }: { readonly audience: NamedAudience; readonly of: OneProfile },
): Promise<boolean> {
  const { workspaceId, profileId } = of;
  const query =
    audience.rule === null
      ? evaluateList({ workspaceId, audienceId: audience.id }, [profileId])
      : compileRule(audience.rule, { ...of, profileIds: [profileId] });
  const { sql: text, parameters } = query.compile(db);
  return (await client.query(text, parameters)).rows.length > 0;
}
