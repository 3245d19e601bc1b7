/** A rule that somebody asks about, within a time: nothing is stored. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Rule } from '../core/rule';
import { inWorkspace } from './connect';
import { compileWhy, type WhyRow } from './rule-preview-sql';
import type { RuleRun } from './rule-sources-sql';
import type { Database } from './tables';

export interface AskedRule {
  readonly workspaceId: string;
  readonly rule: Rule;
  readonly now: Date;
}

export interface RunOptions {
  readonly timeoutMs: number;
  /** Whether all profiles are asked about, or a few. */
  readonly isPass: boolean;
}

/** Runs in a transaction that is set up for a pass over everything, or for a few profiles. */
export function inRun<T>(
  db: Kysely<Database>,
  { asked, timeoutMs, isPass }: RunOptions & { readonly asked: AskedRule },
  run: (transaction: Transaction<Database>, run: RuleRun) => Promise<T>,
): Promise<T> {
  const { workspaceId, now } = asked;
  return inWorkspace(db, workspaceId, async (transaction) => {
    // As for a rebuild: with a nested loop, or JIT, a pass takes many times as long.
    await sql`
      select set_config('statement_timeout', ${String(Math.max(1, Math.floor(timeoutMs)))}, true),
        set_config('jit', 'off', true), set_config('work_mem', '32MB', true),
        set_config('enable_nestloop', ${isPass ? 'off' : 'on'}, true)`.execute(transaction);
    const { timezone, currency } = await transaction
      .selectFrom('workspace')
      .select(['timezone', 'currency'])
      .where('workspace_id', '=', workspaceId)
      .executeTakeFirstOrThrow();
    return run(transaction, { workspaceId, timezone, currency, now });
  });
}

const TIMED_OUT = '57014';

/** What it comes to, or null where it takes too long. */
export async function ifInTime<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if ((error as { code?: unknown }).code === TIMED_OUT) return null;
    throw error;
  }
}

const WHY_TIMEOUT_MS = 5_000;

/** Of these profiles what each leaf of a rule finds; those that are gone have no row. null where that takes too long. */
export async function readWhy(
  db: Kysely<Database>,
  asked: AskedRule,
  profileIds: readonly string[],
): Promise<ReadonlyMap<string, WhyRow> | null> {
  if (profileIds.length === 0) return new Map();
  const found = await ifInTime(() =>
    inRun(db, { asked, timeoutMs: WHY_TIMEOUT_MS, isPass: false }, (transaction, run) =>
      compileWhy(asked.rule, { ...run, profileIds }).execute(transaction),
    ),
  );
  return found === null ? null : new Map(found.rows.map((row) => [row.profile_id, row]));
}
