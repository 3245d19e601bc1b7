import { setTimeout as wait } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { evaluateAudience, RebuildError } from './audience-evaluation';
import { type AudienceReference, lockAudience } from './audience-lock';
import { PASS_TIMEOUT_MS, prepareForPass } from './audience-pass';
import { IS_REBUILD, rebuildHash } from './audience-progress';
import { isUnavailable } from './availability';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

export interface RebuildRequest extends AudienceReference {
  /** Asked when the rebuild's turn has come; its answer then holds for the whole run. */
  readonly now: () => Date;
}

/** What a rebuild changed. */
export interface Rebuilt {
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
  readonly rebuiltAt: Date;
}

/** Somebody gave the rebuild up while it ran. */
export class RebuildCancelled extends RebuildError {
  constructor() {
    super('The rebuild was cancelled.');
  }
}

/** Transactions of ingest take less; what takes longer is waited for by looking at everything once more. */
const SETTLE_WITHIN_MS = 1_000;
const BETWEEN_LOOKS_MS = 10;

/**
 * Finds an audience's members anew and stores the difference; the rule that it is to have becomes its rule with that.
 * Two at once run one after the other.
 *
 * @returns null where there is no such audience
 * @throws RebuildError, which the audience's `error` then says too; or that the database is unavailable
 */
export async function rebuildAudience(
  db: Kysely<Database>,
  request: RebuildRequest,
): Promise<Rebuilt | null> {
  const unsettledSince = await settle(db, request);
  return watched(db, request, (transaction) =>
    rebuildWithin(transaction, { ...request, unsettledSince, ifRunning: 'wait' }),
  );
}

/**
 * As {@link rebuildAudience}, for processes that all do it by the clock: leaves an audience alone that another one is
 * rebuilding.
 */
export async function refreshAudience(
  db: Kysely<Database>,
  request: RebuildRequest,
): Promise<Rebuilt | null> {
  const unsettledSince = await settle(db, request);
  return watched(db, request, (transaction) =>
    rebuildWithin(transaction, { ...request, unsettledSince, ifRunning: 'leave' }),
  );
}

/**
 * Waits, where what the audience must be told of has changed, until every transaction is over that may not have known
 * it. Those that have written by now are waited for; those that have not will find it out (see markAudiences()).
 *
 * @returns the first transaction that came behind them, where some still run: then all is found anew once more later
 */
async function settle(
  db: Kysely<Database>,
  { workspaceId, audienceId }: AudienceReference,
): Promise<string | null> {
  const { rows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql<{ behind: string }>`
      select coalesce(unsettled_since, pg_snapshot_xmax(pg_current_snapshot()))::text as behind from audience
      where workspace_id = ${workspaceId} and audience_id = ${audienceId}
        and (is_stale or unsettled_since is not null)`.execute(transaction),
  );
  const behind = rows[0]?.behind;
  if (behind === undefined) return null;
  const until = performance.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const { rows: looks } = await sql<{ is_over: boolean }>`
      select pg_snapshot_xmin(pg_current_snapshot()) >= ${behind}::text::xid8 as is_over`.execute(db);
    if (looks[0]!.is_over) return null;
    if (performance.now() > until) return behind;
    await wait(BETWEEN_LOOKS_MS);
  }
}

/** The lock of an audience's rebuild: who holds it can be seen, and given up, from any process. */
const rebuildLock = (audienceId: string) =>
  sql`hashtext('throughline.rebuild'), hashtext(${audienceId}::uuid::text)`;

async function rebuildWithin(
  transaction: Transaction<Database>,
  {
    ifRunning,
    unsettledSince,
    ...request
  }: RebuildRequest & {
    readonly ifRunning: 'wait' | 'leave';
    readonly unsettledSince: string | null;
  },
): Promise<Rebuilt | null> {
  const { workspaceId, audienceId } = request;
  await prepareForPass(transaction);
  if (ifRunning === 'wait')
    await sql`select pg_advisory_xact_lock(${rebuildLock(audienceId)})`.execute(transaction);
  else {
    const { rows } = await sql<{ has_it: boolean }>`
      select pg_try_advisory_xact_lock(${rebuildLock(audienceId)}) as has_it`.execute(transaction);
    if (!rows[0]!.has_it) return null;
  }
  const audience = await lockAudience(transaction, request, ifRunning === 'wait' ? 'wait' : 'skip');
  if (audience === null) return null;
  // What they are about is seen by the statement that follows.
  await transaction
    .deleteFrom('audience_mark')
    .where('workspace_id', '=', workspaceId)
    .where('audience_id', '=', audienceId)
    .execute();
  const rebuiltAt = request.now();
  const difference = await evaluateAudience(transaction, {
    audience: { ...audience, rule: audience.wantedRule ?? audience.rule },
    now: rebuiltAt,
    cause: 'rebuild',
    more: sql`rebuilt_at = ${rebuiltAt}, is_stale = false, unsettled_since = ${unsettledSince}::text::xid8,
      rule = coalesce(wanted_rule, rule), wanted_rule = null, checked_at = ${rebuiltAt}`,
  });
  return { ...difference, rebuiltAt };
}

/** Keeps beside the audience that a rebuild runs and what became of it; where it fails, the audience says why. */
async function watched(
  db: Kysely<Database>,
  { workspaceId, audienceId, now }: RebuildRequest,
  rebuild: (transaction: Transaction<Database>) => Promise<Rebuilt | null>,
): Promise<Rebuilt | null> {
  const place = { workspaceId, audienceId };
  const begun = performance.now();
  const startedAt = now();
  await noteRebuild(
    db,
    place,
    sql`started_at = ${startedAt}, finished_at = null, outcome = null, error = null`,
  );
  try {
    const rebuilt = await changeWorkspace(db, workspaceId, rebuild);
    const durationMs = Math.round(performance.now() - begun);
    const outcome = rebuilt === null ? sql`` : sql`, outcome = 'done', duration_ms = ${durationMs}`;
    await noteRebuild(db, place, sql`finished_at = ${now()} ${outcome}`);
    return rebuilt;
  } catch (cause) {
    const error = toRebuildError(cause, performance.now() - begun);
    if (error === null) throw cause;
    const isCancelled = error instanceof RebuildCancelled;
    const outcome = isCancelled ? 'cancelled' : 'failed';
    await noteRebuild(db, place, sql`finished_at = ${now()}, outcome = ${outcome}, error = ${error.message}`);
    if (!isCancelled) await noteError(db, place, error.message);
    throw error;
  }
}

async function noteRebuild(
  db: Kysely<Database>,
  { workspaceId, audienceId }: AudienceReference,
  noted: RawBuilder<unknown>,
): Promise<void> {
  await changeWorkspace(db, workspaceId, async (transaction) => {
    await sql`
      insert into audience_rebuild (workspace_id, audience_id, started_at)
      select workspace_id, audience_id, now() from audience
      where workspace_id = ${workspaceId} and audience_id = ${audienceId}
      on conflict do nothing`.execute(transaction);
    await sql`
      update audience_rebuild set ${noted}
      where workspace_id = ${workspaceId} and audience_id = ${audienceId}`.execute(transaction);
  });
}

/** Says on the audience why its members could not be found; they stay. */
export async function noteError(
  db: Kysely<Database>,
  { workspaceId, audienceId }: AudienceReference,
  error: string,
): Promise<void> {
  await changeWorkspace(db, workspaceId, (transaction) =>
    transaction
      .updateTable('audience')
      .set({ error })
      .where('workspace_id', '=', workspaceId)
      .where('audience_id', '=', audienceId)
      .execute(),
  );
}

const GIVEN_UP = '57014';

/** What the owner is told, which never quotes the database; null where it is the database that cannot serve now. */
export function toRebuildError(cause: unknown, afterMs: number): RebuildError | null {
  if (cause instanceof RebuildError) return cause;
  const { code } = cause as { code?: unknown };
  // Postgres has one code for both.
  if (code === GIVEN_UP && afterMs < PASS_TIMEOUT_MS) return new RebuildCancelled();
  if (code === GIVEN_UP) {
    return new RebuildError(`The rule took longer than ${PASS_TIMEOUT_MS / 1000} seconds.`, { cause });
  }
  if (isUnavailable(cause)) return null;
  const shown = typeof code === 'string' ? code : 'no code';
  return new RebuildError(`The rebuild failed (${shown}); the log has the details.`, { cause });
}

/** How long a cancellation goes on trying. */
const CANCEL_WITHIN_MS = 5_000;

/**
 * Gives up the rebuild of an audience, wherever it runs, and those that wait for it.
 *
 * @returns whether there was one
 */
export async function cancelRebuild(
  db: Kysely<Database>,
  { audienceId }: AudienceReference,
): Promise<boolean> {
  const until = performance.now() + CANCEL_WITHIN_MS;
  for (let wasRunning = false; ; wasRunning = true) {
    // Again where it was between two statements, in which nothing is given up.
    const { rows } = await sql`
      select pg_cancel_backend(pid) from pg_locks
      where ${IS_REBUILD} and objid::bigint = ${rebuildHash(sql`${audienceId}::uuid`)}`.execute(db);
    if (rows.length === 0 || performance.now() > until) return wasRunning;
    await wait(BETWEEN_LOOKS_MS);
  }
}
