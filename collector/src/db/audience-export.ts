import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Cell, Row } from '../core/export-column';
import type { MemberColumn, NamedMemberColumn } from '../core/member-column';
import { anonymousIds, shownTraits } from './profile-columns';
import { identifierColumns } from './profiles';
import { standingTrait } from './rule-sources-sql';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';

/** How many members are in memory at a time. */
const CHUNK = sql.lit(1000);

/**
 * All members of an audience, who entered last first, in chunks and as one snapshot: whatever changes meanwhile, none
 * is repeated and none is missed. A cursor inside one transaction: flat in memory on both sides, and it needs no
 * session. Ending the iteration early ends the transaction.
 */
export function exportMembers(
  db: Kysely<Database>,
  workspaceId: string,
  { audienceId, columns }: { readonly audienceId: string; readonly columns: readonly MemberColumn[] },
): AsyncGenerator<readonly Row[], void, undefined> {
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    const members = selectMembers(workspaceId, audienceId, columns);
    await sql`declare members no scroll cursor for ${members}`.execute(transaction);
    for (;;) {
      const { rows } = await sql<Record<string, Cell>>`fetch ${CHUNK} from members`.execute(transaction);
      if (rows.length === 0) break;
      yield rows.map((row) => columns.map((_, index) => row[nameOf(index)]!));
    }
  });
}

const nameOf = (index: number): string => `c${index}`;

/** Only what the columns need is read. */
function selectMembers(workspaceId: string, audienceId: string, columns: readonly MemberColumn[]) {
  const cells = columns.map(
    (column, index) => sql`${cellOf(workspaceId, column, index)} as ${sql.ref(nameOf(index))}`,
  );
  const sums = columns.flatMap((column, index) => {
    const summed = sumOf(column);
    return summed === null ? [] : [sql`${summed} as ${sql.ref(nameOf(index))}`];
  });
  const parts = sql`
    left join lateral (
      select ${sums.length === 0 ? sql`` : sql.join(sums)}
      from profile_part q
      where q.workspace_id = ${workspaceId} and q.owner_id = m.profile_id) as p on true`;
  return sql`
    select ${sql.join(cells)}
    from audience_member m
    cross join lateral (select ${identifierColumns(workspaceId, sql.ref('m.profile_id'))}) as i
    ${sums.length === 0 ? sql`` : parts}
    where m.workspace_id = ${workspaceId} and m.audience_id = ${audienceId}
    order by m.entered_at desc, m.profile_id desc`;
}

/** What a column makes of a profile's parts q; null where it reads none. */
function sumOf({ of }: MemberColumn): RawBuilder<unknown> | null {
  if ('trait' in of) return standingTrait(of.trait);
  return 'name' in of ? (SUMS[of.name] ?? null) : null;
}

const SUMS: Readonly<Partial<Record<NamedMemberColumn, RawBuilder<unknown>>>> = {
  firstSeenAt: sql`min(q.first_seen_at)`,
  lastSeenAt: sql`max(q.last_seen_at)`,
  events: sql`coalesce(sum(q.event_count), 0)::bigint`,
  pages: sql`coalesce(sum(q.page_count), 0)::bigint`,
  orders: sql`coalesce(sum(q.order_count), 0)::bigint`,
  traits: sql`merge_registers_agg(q.traits)`,
};

/** A cell, where a column's sum is p's column of the same number. */
function cellOf(workspaceId: string, { of }: MemberColumn, index: number): RawBuilder<unknown> {
  const sum = sql.ref(`p.${nameOf(index)}`);
  if ('trait' in of) return sql`${sum}::text`;
  const profileId = sql.ref('m.profile_id');
  if ('currency' in of) return revenueIn(workspaceId, sql`${of.currency}`);
  switch (of.name) {
    case 'profileId':
      return profileId;
    case 'userId':
      return sql.ref('i.user_id');
    case 'email':
      return sql.ref('i.email');
    case 'emailSha256':
      // Stored emails are trimmed and in lower case.
      return sql`encode(sha256(convert_to(i.email, 'UTF8')), 'hex')`;
    case 'anonymousId':
      return sql.ref('i.anonymous_id');
    case 'anonymousIds':
      return sql`${anonymousIds(workspaceId, profileId)}::text`;
    case 'revenue':
      return revenueIn(
        workspaceId,
        sql`(select w.currency from workspace w where w.workspace_id = ${workspaceId})`,
      );
    case 'traits':
      return sql`${shownTraits(sum)}::text`;
    case 'enteredAt':
      return sql.ref('m.entered_at');
    case 'cause':
      return sql.ref('m.cause');
    default:
      return sum;
  }
}

/** An exact decimal. */
function revenueIn(workspaceId: string, currency: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select coalesce(trim_scale(sum(r.amount)), 0)::text
    from profile_revenue r
    where r.workspace_id = ${workspaceId} and r.owner_id = m.profile_id and r.currency = ${currency})`;
}
