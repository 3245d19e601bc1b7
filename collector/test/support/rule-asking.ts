/** A workspace with a few events, and rules that are asked of it. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { subjectIdOf } from '../../src/core/identifier';
import { checkRule } from '../../src/core/rule-check';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { readProfiles } from '../../src/db/profiles';
import { compileRule } from '../../src/db/rule-sql';
import { RECEIVED_AT, type Writing } from './writing';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Asked {
  readonly now?: number;
  readonly timezone?: string;
  readonly currency?: string;
  /** Asks about these users, or anonymous IDs, only. */
  readonly only?: readonly string[];
}

/** Answers the users (or anonymous IDs) that a rule finds, sorted. */
export type Ask = (rule: unknown, asked?: Asked) => Promise<string[]>;

/** A workspace with these events, and with audiences of these users or anonymous IDs, by their keys. */
export async function askIn(
  writing: Writing,
  items: readonly object[],
  audiences: Readonly<Record<string, readonly string[]>> = {},
): Promise<Ask> {
  const workspaceId = randomUUID();
  const verdicts = await writing.send(workspaceId, items);
  expect(verdicts.filter(({ status }) => status !== 'accepted')).toEqual([]);
  const members = Object.entries(audiences).map(([key, values]) => [
    key,
    values.map((value) => idOf(workspaceId, value)),
  ]);
  await storeAudiences(writing, workspaceId, Object.fromEntries(members));
  return async (rule, { now = RECEIVED_AT, timezone = 'UTC', currency = 'USD', only } = {}) => {
    const checked = checkRule(rule);
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    return inWorkspace(writing.db, workspaceId, async (transaction) => {
      const profileIds = only?.map((value) => idOf(workspaceId, value));
      const run = {
        workspaceId,
        now: new Date(now),
        timezone,
        currency,
        ...(profileIds !== undefined && { profileIds }),
      };
      const { rows } = await compileRule(checked.rule, run).execute(transaction);
      const ids = rows.map((row) => row.profile_id);
      const profiles = await readProfiles(transaction, workspaceId, ids);
      return profiles.map(({ userId, email, anonymousId }) => (userId ?? email ?? anonymousId)!).sort();
    });
  };
}

/** Stores which profiles are members of what, by their IDs, whatever any rule says. */
export async function storeAudiences(
  writing: Pick<Writing, 'db'>,
  workspaceId: string,
  audiences: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const workspace_id = workspaceId;
  if (Object.keys(audiences).length === 0) return;
  await changeWorkspace(writing.db, workspaceId, async (transaction) => {
    await transaction.insertInto('workspace').values({ workspace_id, name: 'w' }).execute();
    for (const [key, members] of Object.entries(audiences)) {
      const audience = { workspace_id, audience_id: randomUUID() };
      await transaction
        .insertInto('audience')
        .values({ ...audience, key, name: key, rule: '{}' })
        .execute();
      if (members.length === 0) continue;
      const rows = members.map((profile_id) => ({ ...audience, profile_id, entered_at: new Date(0) }));
      await transaction.insertInto('audience_member').values(rows).execute();
    }
  });
}

/** Devices are called device-…, what has an @ is an email, everybody else is a user. */
function idOf(workspaceId: string, value: string): string {
  if (value.includes('@')) return subjectIdOf(workspaceId, { kind: 'email', value });
  return subjectIdOf(workspaceId, { kind: value.startsWith('device-') ? 'anonymous' : 'user', value });
}

export const at = (ms: number) => new Date(ms).toISOString();
export const track = (userId: string, event: string, more: object = {}) => ({
  type: 'track',
  userId,
  event,
  ...more,
});
export const identify = (userId: string, traits: object) => ({ type: 'identify', userId, traits });
export const buys = (userId: string, revenue: unknown, more: object = {}) =>
  track(userId, 'Order Completed', { properties: { revenue, currency: 'USD' }, ...more });
