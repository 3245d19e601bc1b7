import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Cell, Row } from '../core/export-column';
import type { MemberColumn, NamedMemberColumn } from '../core/member-column';
import { EMAIL_SHA256, preferLists, readProfileCells, revenueIn, shownTraits } from './profile-cells';
import { standingTrait } from './rule-sources-sql';
import { streamAhead } from './stream-ahead';
import { streamSnapshot } from './stream-snapshot';
import type { Database } from './tables';

/** How many members are in memory at a time, twice; fewer where one may be large. */
const CHUNK = 4_000;
const CHUNK_OF_LARGE = 500;

interface Asked {
  readonly audienceId: string;
  readonly columns: readonly MemberColumn[];
}

/**
 * All members of an audience, who entered last first, in chunks and as one snapshot: whatever changes meanwhile, none
 * is repeated and none is missed. A cursor inside one transaction: flat in memory on both sides, and it needs no
 * session. Ending the iteration early ends the transaction.
 */
export function exportMembers(
  db: Kysely<Database>,
  workspaceId: string,
  { audienceId, columns }: Asked,
): AsyncGenerator<readonly Row[], void, undefined> {
  const size = sql.lit(columns.some(({ type }) => type === 'json') ? CHUNK_OF_LARGE : CHUNK);
  return streamSnapshot(db, workspaceId, async function* (transaction) {
    await preferLists(transaction);
    await sql`
      declare members no scroll cursor for
      select m.profile_id, m.entered_at, m.cause
      from audience_member m
      where m.workspace_id = ${workspaceId} and m.audience_id = ${audienceId}
      order by m.entered_at desc, m.profile_id desc`.execute(transaction);
    yield* streamAhead(async () => {
      const { rows: members } = await sql<Member>`fetch ${size} from members`.execute(transaction);
      return members.length === 0 ? null : readRows(transaction, { workspaceId, columns }, members);
    });
  });
}

interface Member {
  readonly profile_id: string;
  readonly entered_at: Date;
  readonly cause: string | null;
}

/** What the membership itself says. */
const OF_MEMBERSHIP: Readonly<Partial<Record<NamedMemberColumn, (member: Member) => Cell>>> = {
  profileId: (member) => member.profile_id,
  enteredAt: (member) => member.entered_at,
  cause: (member) => member.cause,
};

/** Only what the columns need is read. */
async function readRows(
  transaction: Transaction<Database>,
  { workspaceId, columns }: { readonly workspaceId: string; readonly columns: readonly MemberColumn[] },
  members: readonly Member[],
): Promise<readonly Row[]> {
  const readers = columns.map(({ of }) => ('name' in of ? OF_MEMBERSHIP[of.name] : undefined));
  const others = columns.flatMap((column, index) =>
    readers[index] === undefined ? [{ column, index }] : [],
  );
  const named = (expression: RawBuilder<unknown>, index: number) =>
    sql`${expression} as ${sql.ref(nameOf(index))}`;
  const cells =
    others.length === 0
      ? []
      : await readProfileCells(
          transaction,
          { workspaceId, profileIds: members.map((member) => member.profile_id) },
          {
            sums: others.flatMap(({ column, index }) => {
              const sum = sumOf(column);
              return sum === null ? [] : [named(sum, index)];
            }),
            cells: others.map(({ column, index }) => named(cellOf(column, index), index)),
          },
        );
  return members.map((member, row) =>
    readers.map((reader, index) => (reader === undefined ? cells[row]![nameOf(index)]! : reader(member))),
  );
}

const nameOf = (index: number): string => `c${index}`;

/** What a column makes of a profile's parts q; null where it reads none. */
function sumOf({ of }: MemberColumn): RawBuilder<unknown> | null {
  if ('trait' in of) return standingTrait(of.trait);
  return 'name' in of ? (SUMS[of.name] ?? null) : null;
}

const SUMS: Readonly<Partial<Record<NamedMemberColumn, RawBuilder<unknown>>>> = {
  firstSeenAt: sql`min(q.first_seen_at)`,
  lastSeenAt: sql`max(q.last_seen_at)`,
  events: sql`sum(q.event_count)`,
  pages: sql`sum(q.page_count)`,
  orders: sql`sum(q.order_count)`,
  traits: sql`merge_registers_agg(q.traits)`,
};

/** A cell, where a column's sum is p's column of the same number. */
function cellOf({ of }: MemberColumn, index: number): RawBuilder<unknown> {
  const sum = sql.ref(`p.${nameOf(index)}`);
  if ('trait' in of) return sql`${sum}::text`;
  if ('currency' in of) return revenueIn(sql`${of.currency}::text`);
  switch (of.name) {
    case 'userId':
      return sql.ref('named.user_id');
    case 'email':
      return sql.ref('named.email');
    case 'emailSha256':
      return EMAIL_SHA256;
    case 'anonymousId':
      return sql.ref('named.anonymous_id');
    case 'anonymousIds':
      return sql`devices.anonymous_ids::text`;
    case 'revenue':
      return revenueIn(sql.ref('w.currency'));
    case 'traits':
      return sql`${shownTraits(sql`coalesce(${sum}, '{}')`)}::text`;
    case 'events':
    case 'pages':
    case 'orders':
      return sql`coalesce(${sum}, 0)::bigint`;
    default:
      return sum;
  }
}
