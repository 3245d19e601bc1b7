/** Audiences over the write path of a test, and what is stored of them. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { checkRule } from '../../src/core/rule-check';
import { listChanges } from '../../src/db/audience-feed';
import { rebuildAudience } from '../../src/db/audience-rebuild';
import { insertAudience } from '../../src/db/audiences';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { compileRule } from '../../src/db/rule-sql';
import { createLogger } from '../../src/logger';
import { createMembershipKeeper, type MembershipKeeper } from '../../src/membership/keep-membership';
import type { RuleJson } from './rule-oracle';
import type { Writing } from './writing';

export interface AudienceOfTest {
  readonly workspaceId: string;
  readonly audienceId: string;
  readonly key: string;
  readonly rule: RuleJson;
}

/** Adds an audience as the API does: known to whoever writes from then on, and built behind that. */
export async function addAudience(
  { db }: Writing,
  { workspaceId, key, rule, now }: Omit<AudienceOfTest, 'audienceId'> & { readonly now: () => Date },
): Promise<AudienceOfTest> {
  const audienceId = randomUUID();
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const isNew = await changeWorkspace(db, workspaceId, (transaction) =>
    insertAudience(transaction, workspaceId, {
      ...{ id: audienceId, key, name: key, rule: checked.rule, createdAt: now() },
    }),
  );
  expect(isNew).toBe(true);
  await rebuildAudience(db, { workspaceId, audienceId, now });
  return { workspaceId, audienceId, key, rule };
}

/** A process that keeps members true, and fails the test where it has something to say. */
export function keeperOf({ db }: Writing, now: () => Date): MembershipKeeper {
  const log = createLogger('silent');
  return createMembershipKeeper({
    db,
    now,
    log: {
      error: (...said: unknown[]) => {
        log.error(said);
        throw new Error(`Said: ${JSON.stringify(said)}`);
      },
    },
  });
}

export interface StoredMembers {
  readonly members: readonly string[];
  readonly size: number;
  /** Whom the changes, read from the first on, come to. */
  readonly replayed: readonly string[];
}

export function readStored({ db }: Writing, place: AudienceOfTest): Promise<StoredMembers> {
  const { workspaceId, audienceId } = place;
  return inWorkspace(db, workspaceId, async (transaction) => {
    const rows = await transaction
      .selectFrom('audience_member')
      .select('profile_id')
      .where('audience_id', '=', audienceId)
      .execute();
    const { size } = await transaction
      .selectFrom('audience')
      .select('size')
      .where('audience_id', '=', audienceId)
      .executeTakeFirstOrThrow();
    const replayed = new Set<string>();
    for (const { change, profileId } of await listChanges(transaction, place, { after: 0, limit: 10_000 })) {
      if (change === 'entered') replayed.add(profileId);
      else replayed.delete(profileId);
    }
    return { members: rows.map((row) => row.profile_id).sort(), size, replayed: [...replayed].sort() };
  });
}

/** Whom the rule finds in what is stored, as a rebuild would. */
export function findAnew(
  { db }: Writing,
  { workspaceId, rule }: AudienceOfTest,
  { now, zone }: { readonly now: number; readonly zone: string },
): Promise<string[]> {
  const checked = checkRule(rule);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const run = { workspaceId, now: new Date(now), timezone: zone, currency: 'USD' };
  return inWorkspace(db, workspaceId, async (transaction) =>
    (await compileRule(checked.rule, run).execute(transaction)).rows.map((row) => row.profile_id).sort(),
  );
}

export async function setZone({ db }: Writing, workspaceId: string, zone: string): Promise<void> {
  await sql`update workspace set timezone = ${zone} where workspace_id = ${workspaceId}`.execute(db);
}
