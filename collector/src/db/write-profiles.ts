import type { PartKey, PartSum, RevenueSum } from '../core/ledger';
import { NO_REGISTERS, type Registers } from '../core/traits';
import type { Marks } from '../core/visit';
import { counts, instants, jsons, texts, uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

/** A part as it stands. */
export interface StandingPart extends PartKey {
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly registers: Registers;
  readonly marks: Marks;
}

/** Those of these parts that have events. */
export async function readPartsWithEvents(
  client: Querier,
  workspaceId: string,
  parts: readonly PartKey[],
): Promise<StandingPart[]> {
  const { rows } = await client.query<{
    owner_id: string;
    subject_id: string;
    first_seen_at: Date;
    last_seen_at: Date;
    traits: Registers;
    last_page: string | null;
    first_campaign: string | null;
    first_referrer: string | null;
  }>(
    `select given.owner_id, given.subject_id, part.*
     from unnest($2::uuid[], $3::uuid[]) as given (owner_id, subject_id)
     cross join lateral (
       select event_count, first_seen_at, last_seen_at, traits, last_page, first_campaign, first_referrer
       from profile_part
       where workspace_id = $1 and owner_id = given.owner_id and subject_id = given.subject_id
       offset 0) as part
     where part.event_count > 0`,
    [workspaceId, ...keyColumns(parts)],
  );
  return rows.map((row) => ({
    ownerId: row.owner_id,
    subjectId: row.subject_id,
    firstSeenAt: fromTimestamp(row.first_seen_at),
    lastSeenAt: fromTimestamp(row.last_seen_at),
    registers: row.traits,
    marks: {
      lastPage: row.last_page,
      firstCampaign: row.first_campaign,
      firstReferrer: row.first_referrer,
    },
  }));
}

/** Deletes those of these parts that have no events (any more), their revenue with them. */
export async function deleteEmptyParts(
  client: Querier,
  workspaceId: string,
  parts: readonly PartKey[],
): Promise<void> {
  // Lists of keys, and no join: see write-identity.ts. Crosswise they name parts that nobody meant, but none is empty.
  const values = [workspaceId, ...keyColumns(parts)];
  const which = 'workspace_id = $1 and owner_id = any($2::uuid[]) and subject_id = any($3::uuid[])';
  await Promise.all([
    client.query(
      `delete from profile_revenue r
       where ${which} and not exists (
         select from profile_part p
         where p.workspace_id = $1 and p.owner_id = r.owner_id and p.subject_id = r.subject_id
           and p.event_count > 0)`,
      values,
    ),
    client.query(`delete from profile_part where ${which} and event_count <= 0`, values),
  ]);
}

const keyColumns = (parts: readonly PartKey[]) => [
  uuids(parts.map((part) => part.ownerId)),
  uuids(parts.map((part) => part.subjectId)),
];

/** What a part looks like after it lost something that cannot be subtracted. */
export interface PartRest extends PartKey {
  /** null where retention has dropped the events: what was known stays. */
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
  /** null where they stay as they are. */
  readonly registers: Registers | null;
  /** Those that are known now. */
  readonly marks: Marks;
}

const markColumns = (parts: readonly { readonly marks: Marks }[]) => [
  texts(parts.map(({ marks }) => marks.lastPage)),
  texts(parts.map(({ marks }) => marks.firstCampaign)),
  texts(parts.map(({ marks }) => marks.firstReferrer)),
];

export async function resetParts(
  client: Querier,
  workspaceId: string,
  parts: readonly PartRest[],
): Promise<void> {
  await client.query(
    `update profile_part p
     set first_seen_at = coalesce(rest.first_seen_at, p.first_seen_at),
         last_seen_at = coalesce(rest.last_seen_at, p.last_seen_at),
         last_seen_hour = date_trunc('hour', coalesce(rest.last_seen_at, p.last_seen_at), 'UTC'),
         traits = coalesce(rest.traits, p.traits),
         last_page = rest.last_page, first_campaign = rest.first_campaign, first_referrer = rest.first_referrer
     from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::text[], $8::text[],
       $9::text[])
       as rest (owner_id, subject_id, first_seen_at, last_seen_at, traits, last_page, first_campaign, first_referrer)
     where p.workspace_id = $1 and p.owner_id = rest.owner_id and p.subject_id = rest.subject_id
       -- Says it once more, so that whichever side is read first, only these parts are read.
       and p.owner_id = any($2::uuid[]) and p.subject_id = any($3::uuid[])`,
    [
      workspaceId,
      ...keyColumns(parts),
      instants(parts.map((part) => part.firstSeenAt)),
      instants(parts.map((part) => part.lastSeenAt)),
      jsons(parts.map((part) => (part.registers === null ? null : JSON.stringify(part.registers)))),
      ...markColumns(parts),
    ],
  );
}

/**
 * Adds to parts, or takes away where counts are negative, creating those that are new. One row a part: two of one part
 * in a statement would be refused.
 */
export async function addToParts(
  client: Querier,
  workspaceId: string,
  gains: readonly PartSum[],
): Promise<void> {
  await client.query(
    `insert into profile_part as p (workspace_id, owner_id, subject_id, first_seen_at, last_seen_at, last_seen_hour,
       event_count, page_count, order_count, traits, last_page, first_campaign, first_referrer)
     select $1, owner_id, subject_id, first_seen_at, last_seen_at, date_trunc('hour', last_seen_at, 'UTC'),
       events, pages, orders, traits, last_page, first_campaign, first_referrer
     from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[],
       $8::bigint[], $9::jsonb[], $10::text[], $11::text[], $12::text[])
       as gain (owner_id, subject_id, first_seen_at, last_seen_at, events, pages, orders, traits, last_page,
         first_campaign, first_referrer)
     on conflict (workspace_id, owner_id, subject_id) do update
     set first_seen_at = least(p.first_seen_at, excluded.first_seen_at),
         last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
         last_seen_hour = greatest(p.last_seen_hour, excluded.last_seen_hour),
         event_count = p.event_count + excluded.event_count,
         page_count = p.page_count + excluded.page_count,
         order_count = p.order_count + excluded.order_count,
         traits = case when excluded.traits = '{}' then p.traits
                  else merge_registers(p.traits, excluded.traits) end,
         -- Both leave nulls out.
         last_page = greatest(p.last_page, excluded.last_page),
         first_campaign = least(p.first_campaign, excluded.first_campaign),
         first_referrer = least(p.first_referrer, excluded.first_referrer)`,
    [
      workspaceId,
      ...keyColumns(gains),
      instants(gains.map((gain) => gain.firstSeenAt)),
      instants(gains.map((gain) => gain.lastSeenAt)),
      counts(gains.map((gain) => gain.events)),
      counts(gains.map((gain) => gain.pages)),
      counts(gains.map((gain) => gain.orders)),
      jsons(gains.map(({ registers }) => (registers === NO_REGISTERS ? '{}' : JSON.stringify(registers)))),
      ...markColumns(gains),
    ],
  );
}

/** Adds to the revenue of parts; several rows of one part and currency are summed by the database, exactly. */
export async function addRevenue(
  client: Querier,
  workspaceId: string,
  gains: readonly RevenueSum[],
): Promise<void> {
  await client.query(
    `insert into profile_revenue as r (workspace_id, owner_id, subject_id, currency, amount)
     select $1, owner_id, subject_id, currency, sum(amount::numeric)
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) as gain (owner_id, subject_id, currency, amount)
     group by owner_id, subject_id, currency
     order by owner_id, subject_id, currency
     on conflict (workspace_id, owner_id, subject_id, currency) do update
     set amount = r.amount + excluded.amount`,
    [
      workspaceId,
      uuids(gains.map((gain) => gain.ownerId)),
      uuids(gains.map((gain) => gain.subjectId)),
      texts(gains.map((gain) => gain.currency)),
      texts(gains.map((gain) => gain.amount)),
    ],
  );
}
