import type { Move } from '../core/identity';
import { instants, uuids } from './columns';
import type { Querier } from './querier';

/** What goes from one owner to another, of what is stored. */
export interface Transfer {
  readonly fromId: string;
  readonly toId: string;
  readonly events: number;
  readonly pages: number;
  readonly orders: number;
  /** Exact decimals by currency. */
  readonly revenue: Readonly<Record<string, string>>;
}

/** The rows of a table that lie in the moves' stretches; `offset 0` as in write-identity.ts. */
const inMoves = (table: 'event' | 'order_entry', columns: string) =>
  `unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[])
     as move (subject_id, from_at, to_at, old_id, new_id)
   cross join lateral (
     select ${columns} from ${table}
     where workspace_id = $1 and subject_id = move.subject_id
       and occurred_at >= move.from_at and occurred_at < move.to_at
     offset 0) as found`;

/** What the moves come to, from owner to owner, most events first; nothing where no event lies in them. */
export async function readTransfers(
  client: Querier,
  workspaceId: string,
  moves: readonly Move[],
): Promise<Transfer[]> {
  if (moves.length === 0) return [];
  const values = [
    workspaceId,
    uuids(moves.map((move) => move.subjectId)),
    instants(moves.map((move) => move.fromAt)),
    instants(moves.map((move) => move.toAt)),
    uuids(moves.map((move) => move.oldOwnerId)),
    uuids(moves.map((move) => move.newOwnerId)),
  ];
  const { rows } = await client.query<{
    old_id: string;
    new_id: string;
    events: number;
    pages: number;
    orders: number;
    revenue: Record<string, string>;
  }>(
    `with counted as (
       select old_id, new_id, count(*) as events, count(*) filter (where type = 'page') as pages
       from ${inMoves('event', 'type')}
       group by old_id, new_id),
     sold as (
       select old_id, new_id, currency, count(*) filter (where kind = 'order') as orders, sum(amount) as amount
       from ${inMoves('order_entry', 'message_id, occurred_at, kind, currency, amount')}
       cross join lateral (
         select from event
         where workspace_id = $1 and subject_id = move.subject_id
           and occurred_at = found.occurred_at and message_id = found.message_id
         offset 0) as stored
       group by old_id, new_id, currency)
     select old_id, new_id, events, pages, coalesce(sum(orders), 0)::bigint as orders,
       coalesce(jsonb_object_agg(currency, trim_scale(amount)::text) filter (where amount <> 0), '{}') as revenue
     from counted left join sold using (old_id, new_id)
     group by old_id, new_id, events, pages
     order by events desc, old_id, new_id`,
    values,
  );
  return rows.map(({ old_id: fromId, new_id: toId, ...sums }) => ({ fromId, toId, ...sums }));
}
