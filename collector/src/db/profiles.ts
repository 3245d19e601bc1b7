import { type Kysely, type RawBuilder, sql } from 'kysely';
import { valuesOf, type Registers } from '../core/traits';
import { type Campaign, type LastPage, readMarks, type Referrer } from '../core/visit';
import type { IdentifierKind } from '../core/identifier';
import type { Database } from './tables';

/** A profile as lists show it. Revenue is exact, by currency. */
export interface ProfileSummary {
  readonly id: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly traits: Record<string, unknown>;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly events: number;
  readonly pages: number;
  readonly orders: number;
  readonly revenue: Readonly<Record<string, string>>;
  readonly lastPage: LastPage | null;
  readonly firstCampaign: Campaign | null;
  /** The page of another site that somebody came from first. */
  readonly firstReferrer: Referrer | null;
}

interface SummaryRow {
  profile_id: string;
  user_id: string | null;
  email: string | null;
  anonymous_id: string | null;
  traits: Registers;
  first_seen_at: Date;
  last_seen_at: Date;
  event_count: number;
  page_count: number;
  order_count: number;
  revenue: Record<string, string> | null;
  last_page: string | null;
  first_campaign: string | null;
  first_referrer: string | null;
}

/**
 * The identifiers by which people know a profile, as the columns user_id, email and anonymous_id: its own value, else
 * of the emails it owns the one claimed last, and of the anonymous IDs the one it had last.
 *
 * @param workspaceId the workspace, bound
 * @param profileId the profile's ID in the surrounding query, e.g. sql.ref('p.profile_id')
 */
export function identifierColumns(workspaceId: string, profileId: RawBuilder<unknown>): RawBuilder<unknown> {
  const own = (kind: IdentifierKind) => sql`(
    select s.value from subject s
    where s.workspace_id = ${workspaceId} and s.subject_id = ${profileId} and s.kind = ${kind})`;
  return sql`
    ${own('user')} as user_id,
    coalesce(${own('email')}, (
      select s.value
      from ownership o
      join subject s on s.workspace_id = o.workspace_id and s.subject_id = o.subject_id and s.kind = 'email'
      -- The target is the profile itself, or a user who is linked to it.
      join claim c on c.workspace_id = o.workspace_id and c.weaker_id = o.subject_id and c.stronger_id = o.target_id
      where o.workspace_id = ${workspaceId} and o.owner_id = ${profileId}
      order by c.from_at desc, c.message_id desc
      limit 1)) as email,
    coalesce(${own('anonymous')}, (
      select s.value
      from ownership o
      join subject s on s.workspace_id = o.workspace_id and s.subject_id = o.subject_id and s.kind = 'anonymous'
      where o.workspace_id = ${workspaceId} and o.owner_id = ${profileId}
      order by o.to_at desc, o.from_at desc, s.value
      limit 1)) as anonymous_id`;
}

/** A profile's revenue as a JSON object, currency to exact decimal text; null where there is none. */
export function revenueColumn(workspaceId: string, profileId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select jsonb_object_agg(currency, amount)
    from (
      select r.currency, trim_scale(sum(r.amount))::text as amount
      from profile_revenue r
      where r.workspace_id = ${workspaceId} and r.owner_id = ${profileId}
      group by r.currency
      having sum(r.amount) <> 0) as sums) as revenue`;
}

/** The profiles with these IDs, in their order; those that are gone are left out. */
export async function readProfiles(
  db: Kysely<Database>,
  workspaceId: string,
  profileIds: readonly string[],
): Promise<ProfileSummary[]> {
  if (profileIds.length === 0) return [];
  const id = sql.ref('p.profile_id');
  const { rows } = await sql<SummaryRow>`
    select p.profile_id, p.first_seen_at, p.last_seen_at, p.event_count, p.page_count, p.order_count, p.traits,
      p.last_page, p.first_campaign, p.first_referrer,
      ${identifierColumns(workspaceId, id)}, ${revenueColumn(workspaceId, id)}
    from profile p
    where p.workspace_id = ${workspaceId} and p.profile_id = any(${profileIds}::uuid[])`.execute(db);
  const found = new Map(rows.map((row) => [row.profile_id, toSummary(row)]));
  return profileIds.flatMap((profileId) => found.get(profileId) ?? []);
}

function toSummary(row: SummaryRow): ProfileSummary {
  return {
    id: row.profile_id,
    userId: row.user_id,
    email: row.email,
    anonymousId: row.anonymous_id,
    traits: valuesOf(row.traits),
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    events: row.event_count,
    pages: row.page_count,
    orders: row.order_count,
    revenue: row.revenue ?? {},
    ...readMarks({
      lastPage: row.last_page,
      firstCampaign: row.first_campaign,
      firstReferrer: row.first_referrer,
    }),
  };
}

/**
 * The profile that a subject's ID answers: its own while it owns events, else that of its owner now; null where
 * nobody was ever seen under it.
 */
export async function resolveProfile(
  db: Kysely<Database>,
  workspaceId: string,
  subjectId: string,
): Promise<string | null> {
  const { rows } = await sql<{ profile_id: string }>`
    select owner_id as profile_id, 0 as rank from profile_part
    where workspace_id = ${workspaceId} and owner_id = ${subjectId}
    union all
    select owner_id, 1 from ownership
    where workspace_id = ${workspaceId} and subject_id = ${subjectId} and to_at = 'infinity'
    order by rank
    limit 1`.execute(db);
  return rows[0]?.profile_id ?? null;
}

/** The audiences that the profile is a member of. */
export async function readMemberships(
  db: Kysely<Database>,
  workspaceId: string,
  profileId: string,
): Promise<{ id: string; key: string; name: string; enteredAt: Date }[]> {
  const rows = await db
    .selectFrom('audience_member as m')
    .innerJoin('audience as a', (join) =>
      join.onRef('a.workspace_id', '=', 'm.workspace_id').onRef('a.audience_id', '=', 'm.audience_id'),
    )
    .select(['a.audience_id', 'a.key', 'a.name', 'm.entered_at'])
    .where('m.workspace_id', '=', workspaceId)
    .where('m.profile_id', '=', profileId)
    .orderBy('a.name')
    .execute();
  return rows.map((row) => ({
    id: row.audience_id,
    key: row.key,
    name: row.name,
    enteredAt: row.entered_at,
  }));
}
