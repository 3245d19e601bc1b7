/** Deliveries under way: who sends, what is next, and what came of it. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { DeliveredChange } from '../core/webhook-body';
import type { Fate } from '../core/webhook-retry';
import { changeWorkspace } from './connect';
import { cutDelivery } from './delivery-cut';
import { readContent } from './delivery-content';
import { readSecrets } from './destination-secrets';
import type { DestinationReference } from './destinations';
import type { Database } from './tables';

/**
 * Longer than an attempt may take, so that nobody sends beside somebody who is still waiting for an answer; whoever dies
 * keeps the others waiting for so long.
 */
const LEASE = sql.lit('30 seconds');

/** Every workspace that ever had a destination; the list itself belongs to none. */
export async function listWorkspacesWithDestinations(db: Kysely<Database>): Promise<string[]> {
  const rows = await db
    .selectFrom('workspace')
    .select('workspace_id')
    .where('has_destinations', '=', true)
    .orderBy('workspace_id')
    .execute();
  return rows.map((row) => row.workspace_id);
}

/** Destinations that something can be sent to now, which nobody is doing; who waits longest first. */
export async function listDue(
  db: Kysely<Database>,
  workspaceId: string,
  now: Date,
): Promise<DestinationReference[]> {
  const { rows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql<{ destination_id: string }>`
      select d.destination_id from destination d
      left join lateral (
        select min(w.next_attempt_at) as next_at, bool_or(not w.is_replay) as is_busy
        from delivery w
        where w.workspace_id = d.workspace_id and w.destination_id = d.destination_id and w.state = 'waiting') w on true
      where d.workspace_id = ${workspaceId} and d.state = 'active'
        and (d.leased_until is null or d.leased_until < clock_timestamp())
        and (
          w.next_at <= ${now}
          or w.is_busy is not true and exists (
            select from destination_audience f join audience a using (workspace_id, audience_id)
            where f.workspace_id = d.workspace_id and f.destination_id = d.destination_id
              and (f.backfill_after is not null or a.last_change > f.last_change)))
      order by w.next_at nulls last, d.destination_id`.execute(transaction),
  );
  return rows.map((row) => ({ workspaceId, destinationId: row.destination_id }));
}

/** What active destinations of a workspace were not sent yet, and what was given up of late. */
export interface Backlog {
  /** Deliveries that were sent in vain, and wait for their next try. */
  readonly waiting: number;
  /** Since when the oldest change waits; null where none does. */
  readonly oldestAt: Date | null;
  readonly dead: number;
}

/** By the indexes of what waits and of what is dead; the others, which are many, are not touched. */
export async function readBacklog(
  db: Kysely<Database>,
  workspaceId: string,
  { deadSince }: { readonly deadSince: Date },
): Promise<Backlog> {
  const { rows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql<Omit<Backlog, 'oldestAt'> & { oldest_at: Date | null }>`
      select
        (select count(*) from delivery w join destination d using (workspace_id, destination_id)
         where w.workspace_id = ${workspaceId} and w.state = 'waiting' and w.attempts > 0 and d.state = 'active') as waiting,
        (select count(*) from delivery w join destination d using (workspace_id, destination_id)
         where w.workspace_id = ${workspaceId} and w.state = 'dead' and w.finished_at > ${deadSince}) as dead,
        least(
          (select min(w.created_at) from delivery w join destination d using (workspace_id, destination_id)
           where w.workspace_id = ${workspaceId} and w.state = 'waiting' and not w.is_replay and d.state = 'active'),
          (select min(next.at)
           from destination d
           join destination_audience f using (workspace_id, destination_id)
           join audience a using (workspace_id, audience_id)
           cross join lateral (
             select c.at from audience_change c
             where c.workspace_id = ${workspaceId} and c.audience_id = f.audience_id and c.change_no > f.last_change
             order by c.change_no limit 1) next
           where d.workspace_id = ${workspaceId} and d.state = 'active' and a.last_change > f.last_change)
        ) as oldest_at`.execute(transaction),
  );
  const { waiting, dead, oldest_at: oldestAt } = rows[0]!;
  return { waiting, dead, oldestAt };
}

export interface Lease extends DestinationReference {
  readonly leaseId: string;
}

/** Becomes the only one who sends to a destination; false where somebody else is, or nothing may be sent. */
export async function takeLease(
  db: Kysely<Database>,
  { workspaceId, destinationId, leaseId }: Lease,
): Promise<boolean> {
  const { rows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql`
      update destination set lease_id = ${leaseId}, leased_until = clock_timestamp() + interval ${LEASE}
      where workspace_id = ${workspaceId} and destination_id = ${destinationId} and state = 'active'
        and (leased_until is null or leased_until < clock_timestamp())
      returning destination_id`.execute(transaction),
  );
  return rows.length > 0;
}

/** Lets others send. */
export async function endLease(
  db: Kysely<Database>,
  { workspaceId, destinationId, leaseId }: Lease,
): Promise<void> {
  await changeWorkspace(db, workspaceId, (transaction) =>
    sql`
      update destination set lease_id = null, leased_until = null
      where workspace_id = ${workspaceId} and destination_id = ${destinationId} and lease_id = ${leaseId}`.execute(
      transaction,
    ),
  );
}

/** A delivery that is to be sent now, as it is to be sent. */
export interface Outgoing {
  readonly deliveryId: string;
  readonly createdAt: Date;
  readonly destination: string;
  readonly url: string;
  readonly secrets: readonly string[];
  /** Empty: nothing of it is left. */
  readonly changes: readonly DeliveredChange[];
  /** How often it was tried in its day, and since when; null before the first try. */
  readonly tries: number;
  readonly triedSince: Date | null;
  /** Of the workspace, when the changes were read: whoever is erased later raises it. */
  readonly regulationEpoch: number;
}

export interface Turn extends Lease {
  /** Whether it is the turn of what is sent again by hand. */
  readonly isReplay: boolean;
  readonly now: Date;
  /** For a delivery that is cut. */
  readonly newDeliveryId: string;
}

/**
 * What is to be sent next, with the lease prolonged. Of what is new only one delivery is under way: nothing is cut while
 * it waits for its next try, so no later change of a profile comes before it. What is sent again by hand has turns of
 * its own, and says nothing that is older than what was sent (readContent()).
 *
 * @returns null where there is nothing now, or the lease was lost
 */
export function takeNext(db: Kysely<Database>, turn: Turn): Promise<Outgoing | null> {
  const { workspaceId, destinationId, isReplay, now } = turn;
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const held = await holdLease(transaction, turn);
    if (held === null || held.state !== 'active') return null;
    const isDue = async () => {
      const { rows } = await sql<WaitingRow>`
        select delivery_id, created_at, tries, tried_since, next_attempt_at <= ${now} as is_due
        from delivery
        where workspace_id = ${workspaceId} and destination_id = ${destinationId} and state = 'waiting'
          and is_replay = ${isReplay}
        order by next_attempt_at, delivery_id limit 1`.execute(transaction);
      return rows[0];
    };
    let next = await isDue();
    if (next === undefined && !isReplay) {
      const cut = { workspaceId, destinationId, deliveryId: turn.newDeliveryId, now };
      if (!(await cutDelivery(transaction, { ...cut, batchSize: held.batch_size }))) return null;
      next = await isDue();
    }
    if (next === undefined || !next.is_due) return null;
    return {
      deliveryId: next.delivery_id,
      createdAt: next.created_at,
      ...{ destination: held.key, url: held.url },
      secrets: await readSecrets(transaction, turn),
      changes: await readContent(transaction, { workspaceId, deliveryId: next.delivery_id }),
      ...{ tries: next.tries, triedSince: next.tried_since, regulationEpoch: held.regulation_epoch },
    };
  });
}

interface WaitingRow {
  delivery_id: string;
  created_at: Date;
  tries: number;
  tried_since: Date | null;
  is_due: boolean;
}

interface Held {
  key: string;
  url: string;
  batch_size: number;
  state: 'active' | 'paused' | 'gone';
  regulation_epoch: number;
}

async function holdLease(transaction: Transaction<Database>, lease: Lease): Promise<Held | null> {
  const { workspaceId, destinationId, leaseId } = lease;
  const { rows } = await sql<Held>`
    update destination d set leased_until = clock_timestamp() + interval ${LEASE}
    from workspace w
    where d.workspace_id = ${workspaceId} and d.destination_id = ${destinationId} and d.lease_id = ${leaseId}
      and w.workspace_id = d.workspace_id
    returning d.key, d.url, d.batch_size, d.state, w.regulation_epoch`.execute(transaction);
  return rows[0] ?? null;
}

export interface Attempt {
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly excerpt: string | null;
}

/**
 * Notes an attempt, and what becomes of its delivery. Nothing is noted by who lost the lease, or where the destination
 * was deleted meanwhile: who has it now sends the delivery again.
 */
export function noteAttempt(
  db: Kysely<Database>,
  lease: Lease,
  {
    outgoing,
    attempt,
    fate,
  }: { readonly outgoing: Outgoing; readonly attempt: Attempt; readonly fate: Fate },
): Promise<void> {
  const { workspaceId, destinationId } = lease;
  const { deliveryId, regulationEpoch } = outgoing;
  const { at, durationMs, status, error } = attempt;
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const held = await holdLease(transaction, lease);
    if (held === null) return;
    // A receiver may repeat what it was sent, and somebody of that may be erased by now.
    const excerpt = held.regulation_epoch === regulationEpoch ? attempt.excerpt : null;
    await sql`
      insert into delivery_attempt (workspace_id, delivery_id, attempt_no, at, duration_ms, status, error, excerpt)
      select workspace_id, delivery_id, attempts + 1, ${at}, ${durationMs}, ${status}, ${error}, ${excerpt}
      from delivery where workspace_id = ${workspaceId} and delivery_id = ${deliveryId}`.execute(transaction);
    await sql`
      update delivery
      set attempts = attempts + 1, tries = tries + 1, tried_since = coalesce(tried_since, ${at}), ${stateOf(fate, at)}
      where workspace_id = ${workspaceId} and delivery_id = ${deliveryId}`.execute(transaction);
    if (fate.fate === 'gone')
      await transaction
        .updateTable('destination')
        .set({ state: 'gone', updated_at: at })
        .where('workspace_id', '=', workspaceId)
        .where('destination_id', '=', destinationId)
        .execute();
  });
}

function stateOf(fate: Fate, at: Date) {
  switch (fate.fate) {
    case 'delivered':
    case 'dead':
      return sql`state = ${fate.fate}, finished_at = ${at}, is_replay = false`;
    case 'retry':
      return sql`next_attempt_at = ${fate.at}`;
    case 'gone':
      return sql`next_attempt_at = ${at}`;
  }
}

/** Ends a delivery of which nothing is left to send; of one that was never sent nobody needs to know. */
export function endEmpty(
  db: Kysely<Database>,
  lease: Lease,
  { deliveryId, now }: { readonly deliveryId: string; readonly now: Date },
): Promise<void> {
  const { workspaceId } = lease;
  return changeWorkspace(db, workspaceId, async (transaction) => {
    if ((await holdLease(transaction, lease)) === null) return;
    const isIt = sql`workspace_id = ${workspaceId} and delivery_id = ${deliveryId}`;
    await sql`delete from delivery where ${isIt} and attempts = 0`.execute(transaction);
    await sql`
      update delivery set state = 'empty', finished_at = ${now}, is_replay = false where ${isIt}`.execute(
      transaction,
    );
  });
}
