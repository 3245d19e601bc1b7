/** Whose events are whose when a browser's clock is wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { readProfiles } from '../support/shown-profiles';
import { addWorkspace, type TestWorkspace } from '../support/workspaces';

const NOON = Date.parse('2026-06-15T12:00:00.000Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let api: Api;
let workspace: TestWorkspace;
beforeAll(async () => {
  api = await openApi();
});
beforeEach(async () => {
  api.clock.now = new Date(NOON);
  workspace = await addWorkspace(api);
});
afterAll(() => api.close());

const iso = (time: number): string => new Date(time).toISOString();
const sofa = { anonymousId: 'sofa' };
const page = (messageId: string, time: number) => ({
  type: 'page',
  messageId,
  timestamp: iso(time),
  ...sofa,
});
const signIn = (userId: string, time: number) => ({
  type: 'identify',
  messageId: `${userId} signed in`,
  timestamp: iso(time),
  userId,
  ...sofa,
});

async function timesOf(reference: string): Promise<Record<string, string>> {
  const { data } = await workspace.get(`/v1/profiles/${reference}/timeline?limit=100`);
  return Object.fromEntries(
    data.map(({ messageId, occurredAt }: Record<string, string>) => [messageId, occurredAt]),
  );
}

async function warningsOn(...messageIds: string[]): Promise<(readonly string[] | null)[]> {
  const rows = await inWorkspace(api.db, workspace.workspaceId, (transaction) =>
    transaction
      .selectFrom('event')
      .select(['original_message_id', 'warnings'])
      .where('original_message_id', 'in', messageIds)
      .execute(),
  );
  return messageIds.map((id) => rows.find((row) => row.original_message_id === id)!.warnings);
}

describe('a browser whose clock stands in 1970', () => {
  it('and says so as it sends, is put right: it takes nothing of who was there before', async () => {
    await workspace.send([page('kim before', NOON - 120 * MINUTE_MS), signIn('kim', NOON - HOUR_MS)]);
    await workspace.send([signIn('lee', 10 * MINUTE_MS), page('lee looked', 11 * MINUTE_MS)], {
      sentAt: iso(12 * MINUTE_MS),
    });
    const profiles = await readProfiles(workspace);
    expect(profiles['user:kim']!.timeline).toEqual(['kim before', 'kim signed in']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
    expect(await timesOf('user:lee')).toEqual({
      'lee signed in': iso(NOON - 2 * MINUTE_MS),
      'lee looked': iso(NOON - MINUTE_MS),
    });
  });

  it('and does not say so, counts as 30 days old: it is not the first owner of what has an older one', async () => {
    const ago = (days: number): number => NOON - days * DAY_MS;
    await workspace.backfill([
      page('kim before', ago(50)),
      signIn('kim', ago(40)),
      page('kim after', ago(35)),
    ]);
    await workspace.send([signIn('lee', 0), page('lee looked', 1)]);
    const profiles = await readProfiles(workspace);
    expect(profiles['user:kim']!.timeline).toEqual(['kim before', 'kim signed in', 'kim after']);
    expect([...profiles['user:lee']!.timeline].sort()).toEqual(['lee looked', 'lee signed in']);
    expect(await timesOf('user:lee')).toEqual({ 'lee signed in': iso(ago(30)), 'lee looked': iso(ago(30)) });
    expect(await warningsOn('lee signed in', 'lee looked')).toEqual([
      ['timestamp_clamped'],
      ['timestamp_clamped'],
    ]);
  });

  it('in a backfill is believed: history may be of any age', async () => {
    await workspace.backfill([page('long ago', 0), signIn('kim', 1)]);
    expect(await timesOf('user:kim')).toEqual({ 'long ago': iso(0), 'kim signed in': iso(1) });
  });
});

describe.each([
  ['and says so as it sends', { sentAt: iso(NOON + HOUR_MS) }],
  ['and does not say so', {}],
])('a browser whose clock is an hour ahead, %s', (_how, envelope) => {
  it('keeps its order, and is not its user’s for that hour: who signs in next has what they do', async () => {
    const ahead = NOON + HOUR_MS;
    await workspace.send(
      [
        page('kim before', ahead - 2 * MINUTE_MS),
        signIn('kim', ahead - MINUTE_MS),
        page('kim looked', ahead),
      ],
      envelope,
    );
    expect(await timesOf('user:kim')).toEqual({
      'kim before': iso(NOON - 2 * MINUTE_MS),
      'kim signed in': iso(NOON - MINUTE_MS),
      'kim looked': iso(NOON),
    });
    api.clock.now = new Date(NOON + 10 * MINUTE_MS);
    await workspace.send([signIn('lee', NOON + 5 * MINUTE_MS), page('lee looked', NOON + 6 * MINUTE_MS)]);
    const profiles = await readProfiles(workspace);
    expect(profiles['user:kim']!.timeline).toEqual(['kim before', 'kim signed in', 'kim looked']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
  });
});
