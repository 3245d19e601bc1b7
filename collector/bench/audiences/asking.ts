/** What each rule costs in the database: all profiles, some of them, and one. */
import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { checkRule } from '../../src/core/rule-check';
import { compileMembership } from '../../src/db/audience-evaluation';
import { lockAudience, type AudienceReference } from '../../src/db/audience-lock';
import { prepareForPass } from '../../src/db/audience-pass';
import { previewRule } from '../../src/db/audience-preview';
import { rebuildAudience } from '../../src/db/audience-rebuild';
import { takeStep } from '../../src/db/audience-steps';
import { insertAudience } from '../../src/db/audiences';
import { changeWorkspace } from '../../src/db/connect';
import type { Database } from '../../src/db/tables';
import { median } from '../median';
import { spread, type Spread } from '../spread';
import { explain, type Reading } from './plan';
import { type RuleName, RULES } from './rules';

export interface AskedRow {
  readonly rule: RuleName;
  readonly members: number;
  /** Milliseconds. The first time all members enter, the second time nothing changes. */
  readonly first: number;
  readonly again: number;
  readonly preview: number;
  /** Looks at 200 profiles that something happened to, and at one. */
  readonly some: Spread;
  readonly one: Spread;
  readonly plans: { readonly all: Reading; readonly one: Reading };
}

const SOME = 200;
const REBUILDS = 3;
const ROUNDS = { some: 10, one: 60 } as const;
const PREVIEW_MS = 60_000;

export async function measureRule(
  db: Kysely<Database>,
  workspaceId: string,
  name: RuleName,
): Promise<AskedRow & AudienceReference & { readonly key: string }> {
  const audience = { workspaceId, audienceId: randomUUID() };
  const key = `bench-${audience.audienceId.slice(0, 8)}`;
  const checked = checkRule(RULES[name]);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const { rule } = checked;
  await changeWorkspace(db, workspaceId, (transaction) =>
    insertAudience(transaction, workspaceId, {
      ...{ id: audience.audienceId, key, name, rule },
      createdAt: new Date(),
    }),
  );
  const now = () => new Date();
  const rebuild = () => timed(() => rebuildAudience(db, { ...audience, now }));
  const first = await rebuild();
  const again: number[] = [];
  for (let n = 0; n < REBUILDS; n += 1) again.push((await rebuild()).ms);
  const request = { workspaceId, rule, now: new Date(), timeLimitMs: PREVIEW_MS };
  const preview = await timed(() => previewRule(db, request));
  if (!preview.result.isExact) throw new Error(`The preview of "${name}" was an estimate.`);
  return {
    ...audience,
    key,
    rule: name,
    members: first.result!.size,
    first: first.ms,
    again: median(again),
    preview: preview.ms,
    some: await measureSteps(db, audience, { profiles: SOME, rounds: ROUNDS.some }),
    one: await measureSteps(db, audience, { profiles: 1, rounds: ROUNDS.one }),
    plans: { all: await explainPass(db, audience), one: await explainOne(db, audience) },
  };
}

export async function timed<T>(run: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const begun = performance.now();
  const result = await run();
  return { ms: performance.now() - begun, result };
}

async function measureSteps(
  db: Kysely<Database>,
  audience: AudienceReference,
  { profiles, rounds }: { readonly profiles: number; readonly rounds: number },
): Promise<Spread> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const profileIds = await draw(db, audience, profiles);
    await changeWorkspace(db, audience.workspaceId, (transaction) =>
      sql`
        insert into audience_mark (workspace_id, audience_id, profile_id)
        select ${audience.workspaceId}::uuid, ${audience.audienceId}::uuid, profile_id
        from unnest(${profileIds}::uuid[]) as drawn (profile_id)`.execute(transaction),
    );
    const { ms, result } = await timed(() => takeStep(db, { ...audience, now: new Date() }));
    // Checks that fell due meanwhile are looked at with them.
    if (result === null || result.evaluated < profileIds.length) throw new Error('Marks were left.');
    times.push(ms);
  }
  return spread(times);
}

/** Some profiles, wherever they lie: those behind a random place in the order of their IDs, which are hashes. */
async function draw(
  db: Kysely<Database>,
  { workspaceId }: AudienceReference,
  count: number,
): Promise<string[]> {
  const { rows } = await changeWorkspace(db, workspaceId, (transaction) =>
    sql<{ owner_id: string }>`
      select owner_id from profile_part
      where workspace_id = ${workspaceId} and owner_id > overlay(${randomUUID()}::text placing '0' from 1 for 1)::uuid
      group by owner_id order by owner_id limit ${count}`.execute(transaction),
  );
  return rows.map((row) => row.owner_id);
}

function explainPass(db: Kysely<Database>, audience: AudienceReference): Promise<Reading> {
  return changeWorkspace(db, audience.workspaceId, async (transaction) => {
    await prepareForPass(transaction);
    const locked = await lockAudience(transaction, audience);
    return explain(transaction, compileMembership(locked!, { now: new Date(), profileIds: undefined }));
  });
}

async function explainOne(db: Kysely<Database>, audience: AudienceReference): Promise<Reading> {
  const profileIds = await draw(db, audience, 1);
  return changeWorkspace(db, audience.workspaceId, async (transaction) => {
    await sql`select set_config('jit', 'off', true)`.execute(transaction);
    const locked = await lockAudience(transaction, audience);
    return explain(transaction, compileMembership(locked!, { now: new Date(), profileIds }));
  });
}
