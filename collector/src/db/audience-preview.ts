/** How many profiles a rule would find, and some of them, within a time: exactly where that can be had, else estimated. */
import { type Kysely, sql, type Transaction } from 'kysely';
import { estimateWithin, type Estimated } from '../core/estimate';
import type { Rule } from '../core/rule';
import { estimateProfiles } from './profile-list';
import { compileCounts, type CountedRow, type WhyRow } from './rule-preview-sql';
import { type AskedRule, ifInTime, inRun, readWhy } from './rule-run';
import type { RuleRun } from './rule-sources-sql';
import type { Database } from './tables';

export interface PreviewRequest extends AskedRule {
  readonly timeLimitMs: number;
  /** How much of it the exact count may take. @default so much that something is left for an estimate */
  readonly exactTimeLimitMs?: number;
}

export interface Preview {
  /** Whether all profiles were looked at; else only so many, and the counts are estimated. */
  readonly isExact: boolean;
  readonly looked: number;
  readonly profiles: number;
  readonly count: Estimated;
  /** For how many profiles each leaf holds, in the order in which they stand. */
  readonly clauses: readonly Estimated[];
  readonly sample: readonly WhyRow[];
}

/** Not even a few profiles could be looked at in time. */
export class PreviewTooSlow extends Error {}

const MAX_SAMPLE = 20;
const EXACT_SHARE = 0.6;
const FIRST_BATCH = 100;
const MAX_BATCH = 3200;

/** @throws PreviewTooSlow */
export async function previewRule(db: Kysely<Database>, request: PreviewRequest): Promise<Preview> {
  const startedAt = performance.now();
  const remaining = () => request.timeLimitMs - (performance.now() - startedAt);
  const exact = await ifInTime(() => countAll(db, request));
  const counted = exact ?? (await countSome(db, request, remaining));
  if (counted === null) throw new PreviewTooSlow();
  const { row, profiles } = counted;
  const estimated = (found: number) => estimateWithin({ found, looked: row.profiles, of: profiles });
  return {
    isExact: exact !== null,
    looked: row.profiles,
    profiles,
    count: estimated(row.matching),
    clauses: row.clauses.map(estimated),
    sample: await explainSample(db, request, row.sample),
  };
}

interface Counted {
  readonly row: CountedRow;
  /** How many there are in all. */
  readonly profiles: number;
}

async function countAll(db: Kysely<Database>, request: PreviewRequest): Promise<Counted> {
  const { timeLimitMs, exactTimeLimitMs: timeoutMs = timeLimitMs * EXACT_SHARE } = request;
  const row = await inRun(db, { asked: request, timeoutMs, isPass: true }, (transaction, run) =>
    count(transaction, request.rule, run),
  );
  return { row, profiles: row.profiles };
}

/**
 * Looks at more and more profiles until the time is up. Their IDs are hashes, so the first ones are as good as drawn, and
 * who asks again is not told something else.
 *
 * @returns null where the first ones took too long already
 */
async function countSome(
  db: Kysely<Database>,
  request: PreviewRequest,
  remaining: () => number,
): Promise<Counted | null> {
  let from = BEFORE_ALL;
  let size = FIRST_BATCH;
  let sum: CountedRow | null = null;
  let profiles = 0;
  // What a batch took tells what the next one, twice as large, will take.
  for (let took = 0; took * 2 < remaining();) {
    const begunAt = performance.now();
    const batch = await ifInTime(() =>
      inRun(db, { asked: request, timeoutMs: remaining(), isPass: false }, async (transaction, run) => {
        if (sum === null) profiles = await estimateProfiles(transaction, request.workspaceId);
        const profileIds = await drawProfiles(transaction, request.workspaceId, { from, size });
        if (profileIds.length === 0) return null;
        from = profileIds.at(-1)!;
        return count(transaction, request.rule, { ...run, profileIds });
      }),
    );
    if (batch === null) break;
    sum = sum === null ? batch : add(sum, batch);
    took = performance.now() - begunAt;
    size = Math.min(size * 2, MAX_BATCH);
  }
  return sum === null ? null : { row: sum, profiles: Math.max(profiles, sum.profiles) };
}

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

function add(a: CountedRow, b: CountedRow): CountedRow {
  return {
    profiles: a.profiles + b.profiles,
    matching: a.matching + b.matching,
    clauses: a.clauses.map((value, index) => value + b.clauses[index]!),
    sample: [...a.sample, ...b.sample].slice(0, MAX_SAMPLE),
  };
}

/** The profiles that follow an ID; none behind the last one. */
async function drawProfiles(
  transaction: Transaction<Database>,
  workspaceId: string,
  { from, size }: { from: string; size: number },
): Promise<string[]> {
  const { rows } = await sql<{ owner_id: string }>`
    select owner_id from profile_part
    where workspace_id = ${workspaceId} and owner_id > ${from}
    group by owner_id
    order by owner_id
    limit ${size}`.execute(transaction);
  return rows.map((row) => row.owner_id);
}

async function count(transaction: Transaction<Database>, rule: Rule, run: RuleRun): Promise<CountedRow> {
  const { rows } = await compileCounts(rule, { ...run, maxSample: MAX_SAMPLE }).execute(transaction);
  return rows[0]!;
}

async function explainSample(
  db: Kysely<Database>,
  request: PreviewRequest,
  profileIds: readonly string[],
): Promise<readonly WhyRow[]> {
  const why = await readWhy(db, request, profileIds);
  return profileIds.flatMap((id) => why?.get(id) ?? []);
}
