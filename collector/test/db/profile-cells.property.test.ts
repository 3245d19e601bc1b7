import { createHash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changeWorkspace, inWorkspace } from '../../src/db/connect';
import { exportMembers } from '../../src/db/audience-export';
import { readProfiles, type ProfileSummary } from '../../src/db/profiles';
import { streamState } from '../../src/db/warehouse-rows';
import { readMemberColumns } from '../../src/core/member-column';
import type { Cell, Row } from '../../src/core/export-column';
import { WAREHOUSE_COLUMNS } from '../../src/core/warehouse-table';
import { addWorkspace } from '../support/erasing';
import { arrivalsOf, histories } from '../support/histories';
import { openWriting, type Writing } from '../support/writing';

const RUNS = Number(process.env['THROUGHLINE_TEST_RUNS'] ?? 20);

let writing: Writing;
beforeAll(async () => {
  writing = await openWriting({ writers: 8, groupMaxEvents: 1, maxOwners: 4 });
});
afterAll(() => writing.close());

const COLUMNS =
  'profileId,userId,email,emailSha256,anonymousId,anonymousIds,firstSeenAt,lastSeenAt,events,pages,orders,revenue,traits,cause';

/** Everybody of a workspace, one by one and as lists show them. */
function readEverybody(workspaceId: string): Promise<ProfileSummary[]> {
  return inWorkspace(writing.db, workspaceId, async (transaction) => {
    const { rows } = await sql<{ id: string }>`
      select distinct owner_id as id from profile_part order by id`.execute(transaction);
    return readProfiles(
      transaction,
      workspaceId,
      rows.map(({ id }) => id),
    );
  });
}

/** An audience with these members, who entered at one moment. */
async function addAudienceOf(workspaceId: string, profileIds: readonly string[]): Promise<string> {
  const audienceId = randomUUID();
  await changeWorkspace(writing.db, workspaceId, async (transaction) => {
    await sql`insert into audience (workspace_id, audience_id, key, name, kind)
      values (${workspaceId}, ${audienceId}, 'all', 'All', 'static')`.execute(transaction);
    await sql`insert into audience_member (workspace_id, audience_id, profile_id, entered_at, cause)
      select ${workspaceId}, ${audienceId}, profile_id, now(), 'list' from unnest(${profileIds}::uuid[]) as p (profile_id)`.execute(
      transaction,
    );
  });
  return audienceId;
}

const json = (cell: Cell | undefined): unknown => (typeof cell === 'string' ? JSON.parse(cell) : cell);

const sha256 = (text: string | null): string | null =>
  text === null ? null : createHash('sha256').update(text).digest('hex');

async function gather<Piece>(pieces: AsyncIterable<readonly Piece[]>): Promise<Piece[]> {
  const all: Piece[] = [];
  for await (const piece of pieces) all.push(...piece);
  return all;
}

const named = (names: readonly string[], row: Row): Record<string, Cell> =>
  Object.fromEntries(names.map((name, index) => [name, row[index]!]));

const cases = histories.chain((items) => fc.tuple(fc.constant(items), arrivalsOf(items)));

it('files say of everybody what their profiles say, whatever somebody’s history is', async () => {
  const columns = readMemberColumns(COLUMNS);
  if (!columns.ok) throw new Error(columns.culprit);
  await fc.assert(
    fc.asyncProperty(cases, async ([, batches]) => {
      const workspaceId = await addWorkspace(writing);
      for (const batch of batches) await writing.send(workspaceId, batch);
      const everybody = await readEverybody(workspaceId);

      const audienceId = await addAudienceOf(
        workspaceId,
        everybody.map(({ id }) => id),
      );
      const exported = await gather(
        exportMembers(writing.db, workspaceId, { audienceId, columns: columns.columns }),
      );
      const members = exported.map((row) => named(COLUMNS.split(','), row)).reverse();
      expect(members.map((row) => ({ ...row, anonymousIds: null, traits: json(row['traits']) }))).toEqual(
        everybody.map((profile) => ({
          ...{ profileId: profile.id, userId: profile.userId, email: profile.email },
          ...{ emailSha256: sha256(profile.email), anonymousId: profile.anonymousId, anonymousIds: null },
          ...{ firstSeenAt: profile.firstSeenAt, lastSeenAt: profile.lastSeenAt },
          ...{ events: profile.events, pages: profile.pages, orders: profile.orders },
          ...{ revenue: profile.revenue['USD'] ?? '0', traits: profile.traits, cause: 'list' },
        })),
      );
      for (const row of members) {
        const devices = (json(row['anonymousIds']) ?? []) as string[];
        expect([...new Set(devices)].sort()).toEqual(devices);
        expect(devices.includes(row['anonymousId'] as string)).toBe(row['anonymousId'] !== null);
      }

      const names = WAREHOUSE_COLUMNS.profiles.map(({ name }) => name);
      const state = streamState(writing.db, workspaceId, ['profiles']);
      const profiles: Record<string, Cell>[] = [];
      for await (const { rows } of state) profiles.push(...rows.map((row) => named(names, row)));
      expect(
        profiles.map((row) => [
          ...[row['profile_id'], row['user_id'], row['email'], row['anonymous_id'], row['events']],
          ...[row['pages'], row['orders'], json(row['traits']), json(row['revenue_by_currency'])],
        ]),
      ).toEqual(
        everybody.map((profile) => [
          ...[profile.id, profile.userId, profile.email, profile.anonymousId, profile.events],
          ...[profile.pages, profile.orders, profile.traits, profile.revenue],
        ]),
      );
    }),
    { numRuns: RUNS },
  );
});
