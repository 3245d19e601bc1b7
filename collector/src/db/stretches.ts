/** What stretches of history come to, of the events that are stored: read when they change hands. */
import { OWN_SOURCE_ID } from '../core/event';
import { registersOf, type Registers } from '../core/traits';
import { CAMPAIGN_FIELDS, type Marks, marksOf, NO_MARKS, readVisit } from '../core/visit';
import { instants, uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

/** A stretch of one subject's history: from `fromAt` until before `toAt`. */
export interface Stretch {
  readonly subjectId: string;
  readonly fromAt: number;
  readonly toAt: number;
}

export interface StretchCounts {
  readonly events: number;
  readonly pages: number;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** Stretches beside the rows of a table that lie in them; `offset 0` as in write-identity.ts. */
const inStretches = (table: 'event' | 'order_entry', columns: string) =>
  `unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[])
     with ordinality as stretch (subject_id, from_at, to_at, n)
   cross join lateral (
     select ${columns} from ${table}
     where workspace_id = $1 and subject_id = stretch.subject_id
       and occurred_at >= stretch.from_at and occurred_at < stretch.to_at
     offset 0) as found`;

const stretchColumns = (stretches: readonly Stretch[]) => [
  uuids(stretches.map((stretch) => stretch.subjectId)),
  instants(stretches.map((stretch) => stretch.fromAt)),
  instants(stretches.map((stretch) => stretch.toAt)),
];

/** What the collector records itself is counted in nothing. */
const IS_COUNTED = `source_id <> '${OWN_SOURCE_ID}'`;

/** What the stored events of each stretch come to, by the stretch's index; a stretch without events is left out. */
export async function readStretchCounts(
  client: Querier,
  workspaceId: string,
  stretches: readonly Stretch[],
): Promise<Map<number, StretchCounts>> {
  const { rows } = await client.query<{
    n: number;
    events: number;
    pages: number;
    first_seen_at: Date;
    last_seen_at: Date;
  }>(
    `select n, count(*) as events, count(*) filter (where type = 'page') as pages,
            min(occurred_at) as first_seen_at, max(occurred_at) as last_seen_at
     from ${inStretches('event', 'type, occurred_at, source_id')}
     where ${IS_COUNTED}
     group by n`,
    [workspaceId, ...stretchColumns(stretches)],
  );
  return new Map(
    rows.map((row) => [
      row.n - 1,
      {
        events: row.events,
        pages: row.pages,
        firstSeenAt: fromTimestamp(row.first_seen_at),
        lastSeenAt: fromTimestamp(row.last_seen_at),
      },
    ]),
  );
}

/** The registers that each stretch's identify calls wrote, one call each, by the stretch's index. */
export async function readStretchRegisters(
  client: Querier,
  workspaceId: string,
  stretches: readonly Stretch[],
): Promise<(readonly [index: number, registers: Registers])[]> {
  const { rows } = await client.query<{
    n: number;
    message_id: string;
    occurred_at: Date;
    traits: Record<string, unknown>;
  }>(
    `select n, message_id, occurred_at, traits
     from ${inStretches('event', 'type, message_id, occurred_at, traits')}
     where type = 'identify' and traits is not null`,
    [workspaceId, ...stretchColumns(stretches)],
  );
  return rows.map((row) => {
    const occurredAt = fromTimestamp(row.occurred_at);
    return [row.n - 1, registersOf(row.traits, { occurredAt, messageId: row.message_id })] as const;
  });
}

export interface StretchOrders {
  readonly index: number;
  readonly orders: number;
  readonly currency: string;
  readonly amount: string | null;
}

/** Orders and revenue of each stretch by currency, of events that are stored: what retention has dropped stays. */
export async function readStretchOrders(
  client: Querier,
  workspaceId: string,
  stretches: readonly Stretch[],
): Promise<StretchOrders[]> {
  const { rows } = await client.query<{ n: number; currency: string; orders: number; amount: string | null }>(
    `select n, currency, count(*) filter (where kind = 'order') as orders, sum(amount) as amount
     from ${inStretches('order_entry', 'message_id, occurred_at, kind, currency, amount')}
     cross join lateral (
       select from event
       where workspace_id = $1 and subject_id = stretch.subject_id
         and occurred_at = found.occurred_at and message_id = found.message_id
       offset 0) as stored
     group by n, currency`,
    [workspaceId, ...stretchColumns(stretches)],
  );
  return rows.map((row) => ({
    index: row.n - 1,
    orders: row.orders,
    currency: row.currency,
    amount: row.amount,
  }));
}

/** SQL for a text in an object, where it is one and not empty. */
const textIn = (object: string, field: string) =>
  `case when jsonb_typeof(${object} -> '${field}') = 'string' then nullif(${object} ->> '${field}', '') end`;
const about = (field: string) => `coalesce(
  case when type = 'page' then ${textIn('properties', field)} end, ${textIn(`(context -> 'page')`, field)})`;
const hostOf = (url: string) => `substring(${url} from '^https?://(?:www\\.)?([^/?#]+)')`;

/** Which events have the say, as readVisit() in core/visit.ts says it. */
const SAYS = {
  page: `type = 'page'`,
  campaign: `jsonb_typeof(context -> 'campaign') = 'object'
    and coalesce(${CAMPAIGN_FIELDS.map((field) => textIn(`(context -> 'campaign')`, field)).join(', ')}) is not null`,
  referrer: `${hostOf(about('referrer'))} is not null
    and ${hostOf(about('referrer'))} is distinct from ${hostOf(about('url'))}`,
} as const;

/** The one event that a mark comes from: not looked for where the whole part has no such mark. */
const markedEvent = ({ mark, says, order }: { mark: string; says: string; order: 'asc' | 'desc' }) => `(
  select type, name, message_id, occurred_at, properties, context
  from event
  where workspace_id = $1 and subject_id = stretch.subject_id
    and occurred_at >= stretch.from_at and occurred_at < stretch.to_at
    and part.${mark} is not null and ${IS_COUNTED} and ${says}
  order by occurred_at ${order}, message_id ${order}
  limit 1)`;

/** The last page and the first of the other marks, of each stretch of somebody's part, by the stretch's index. */
export async function readStretchMarks(
  client: Querier,
  workspaceId: string,
  stretches: readonly (Stretch & { readonly ownerId: string })[],
): Promise<Map<number, Marks>> {
  const { rows } = await client.query<{
    n: number;
    mark: keyof Marks;
    type: string;
    name: string | null;
    message_id: string;
    occurred_at: Date;
    properties: Record<string, unknown> | null;
    context: Record<string, unknown> | null;
  }>(
    `select stretch.n, found.*
     from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[])
       with ordinality as stretch (subject_id, from_at, to_at, owner_id, n)
     cross join lateral (
       select last_page, first_campaign, first_referrer from profile_part
       where workspace_id = $1 and owner_id = stretch.owner_id and subject_id = stretch.subject_id
       offset 0) as part
     cross join lateral (
       select 'lastPage' as mark, * from ${markedEvent({ mark: 'last_page', says: SAYS.page, order: 'desc' })} as a
       union all
       select 'firstCampaign', * from ${markedEvent({ mark: 'first_campaign', says: SAYS.campaign, order: 'asc' })} as b
       union all
       select 'firstReferrer', * from ${markedEvent({ mark: 'first_referrer', says: SAYS.referrer, order: 'asc' })} as c
     ) as found`,
    [workspaceId, ...stretchColumns(stretches), uuids(stretches.map((stretch) => stretch.ownerId))],
  );
  const marks = new Map<number, Marks>();
  for (const { n, mark, message_id: messageId, occurred_at, ...said } of rows) {
    const occurredAt = fromTimestamp(occurred_at);
    const all = marksOf(readVisit(said)!, { occurredAt, messageId });
    marks.set(n - 1, { ...(marks.get(n - 1) ?? NO_MARKS), [mark]: all[mark] });
  }
  return marks;
}
