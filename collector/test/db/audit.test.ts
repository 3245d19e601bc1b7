import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeWorkspace } from '../../src/db/connect';
import { type Api, openApi } from '../support/api';
import { answer, openReceiver, type Receiver } from '../support/receiver';

const DAY_MS = 24 * 60 * 60_000;
const PRO = { trait: 'plan', eq: 'pro' };
const BOUGHT = { event: 'Order Completed', within: '30d' };

let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  api = await openApi();
  receiver = await openReceiver();
  await api.batch([
    { type: 'identify', userId: 'ada', traits: { email: 'ada@example.com' } },
    { type: 'track', userId: 'ada', event: 'Order Completed' },
  ]);
});
afterAll(async () => {
  await receiver?.close();
  await api?.close();
});

/** Does it, and reads what the log has of it, newest first. */
async function doing(request: `${string} ${string}`, body?: object, status = 200) {
  const [method, path] = request.split(' ') as [string, string];
  // Entries of one moment are in no order.
  api.clock.now = new Date(api.clock.now.getTime() + 1);
  const before = (await api.get('/v1/audit?limit=1000')).body.data.length as number;
  const { status: said, body: answered } = await api.call(method, path, body && { body });
  expect([request, said]).toEqual([request, status]);
  const { data } = (await api.get('/v1/audit?limit=1000')).body as {
    data: { at: string; actor: string; action: string; detail: object }[];
  };
  const noted = data.slice(0, data.length - before);
  for (const { at, actor } of noted) {
    expect(at).toBe(api.clock.now.toISOString());
    expect(actor).toMatch(/^key:[0-9a-f-]{36}$/);
  }
  return { answered, noted: noted.map(({ action, detail }) => ({ action, detail })) };
}

describe('the audit log has who creates, changes and deletes', () => {
  it('an audience, whom it lists by number, and a rule that could not be run', async () => {
    const created = await doing('POST /v1/audiences', { name: 'Pros', rule: PRO }, 201);
    const pros = { id: created.answered.id as string, key: 'pros' };
    expect(created.noted).toEqual([{ action: 'audience.create', detail: pros }]);
    const { noted } = await doing('PATCH /v1/audiences/pros', { name: 'Pro', rule: { not: PRO } });
    expect(noted).toEqual([{ action: 'audience.change', detail: { ...pros, fields: ['name', 'rule'] } }]);

    const { answered } = await doing('POST /v1/audiences', { name: 'Friends', ids: [] }, 201);
    const friends = { id: answered.id as string, key: 'friends' };
    const listed = await doing('PUT /v1/audiences/friends/members', { ids: ['ada@example.com'] });
    expect(listed.noted).toEqual([
      { action: 'audience.list', detail: { ...friends, entered: 1, exited: 0 } },
    ]);
    const off = await doing('DELETE /v1/audiences/friends/members/user:ada', undefined, 204);
    expect(off.noted).toEqual([{ action: 'audience.list', detail: { ...friends, entered: 0, exited: 1 } }]);
    const on = await doing('PUT /v1/audiences/friends/members/user:ada');
    expect(on.noted).toEqual([{ action: 'audience.list', detail: { ...friends, entered: 1, exited: 0 } }]);

    const zone = (timezone: string) =>
      changeWorkspace(api.db, api.workspaceId, (transaction) =>
        transaction.updateTable('workspace').set({ timezone }).execute(),
      );
    await zone('Mars/Olympus');
    const failed = await doing('PATCH /v1/audiences/pros', { rule: BOUGHT }, 500);
    const never = await doing('POST /v1/audiences', { name: 'Never', rule: BOUGHT }, 500);
    await zone('UTC');
    const wanted = { action: 'audience.change', detail: { ...pros, fields: ['rule'] } };
    const undone = { ...wanted, detail: { ...wanted.detail, hasFailed: true } };
    expect(new Set(failed.noted)).toEqual(new Set([wanted, undone]));
    expect(never.noted.map(({ action }) => action).sort()).toEqual(['audience.create', 'audience.delete']);
    expect(JSON.stringify(never.noted)).toContain('"hasFailed":true');

    const deleted = await doing('DELETE /v1/audiences/pros', undefined, 204);
    expect(deleted.noted).toEqual([{ action: 'audience.delete', detail: pros }]);
    // What it was about is gone; what was done stays.
    const { body } = await api.get('/v1/audit?limit=1000');
    expect(body.data.map(({ detail }: { detail: { id: string } }) => detail.id)).toContain(pros.id);
    // Nobody's identifier is in it; IDs of ours may have these letters.
    expect(JSON.stringify(body)).not.toMatch(/user:|\bada\b/);
  });

  it('a destination and its secrets, without its address, and who has sent what was dead again', async () => {
    const wanted = { name: 'CRM', url: receiver.url, audiences: ['friends'], backfill: false };
    const created = await doing('POST /v1/destinations', wanted, 201);
    const crm = { id: created.answered.id as string, key: 'crm' };
    expect(created.noted).toEqual([{ action: 'destination.create', detail: { ...crm, audiences: 1 } }]);
    const paused = await doing('PATCH /v1/destinations/crm', { state: 'paused' });
    expect(paused.noted).toEqual([
      { action: 'destination.change', detail: { ...crm, fields: ['state'], state: 'paused' } },
    ]);
    const moved = await doing('PATCH /v1/destinations/crm', { url: receiver.url, state: 'active' });
    expect(moved.noted[0]!.detail).toEqual({ ...crm, fields: ['url', 'state'], state: 'active' });

    const added = await doing('POST /v1/destinations/crm/secrets', undefined, 201);
    const secretId = added.answered.id as string;
    expect(added.noted).toEqual([{ action: 'destination.add_secret', detail: { ...crm, secretId } }]);
    const full = await doing('POST /v1/destinations/crm/secrets', undefined, 409);
    expect(full.noted).toEqual([]);
    const dropped = await doing(`DELETE /v1/destinations/crm/secrets/${secretId}`, undefined, 204);
    expect(dropped.noted).toEqual([{ action: 'destination.delete_secret', detail: { ...crm, secretId } }]);

    receiver.react = answer(404);
    await doing('PUT /v1/audiences/friends/members', { ids: [] });
    await api.worker.tick();
    api.clock.now = new Date(api.clock.now.getTime() + DAY_MS);
    await api.worker.tick();
    const replayed = await doing('POST /v1/destinations/crm/replay');
    expect(replayed.noted).toEqual([{ action: 'destination.replay', detail: { ...crm, deliveries: 1 } }]);
    expect((await doing('POST /v1/destinations/crm/replay')).noted).toEqual([]);
    const deleted = await doing('DELETE /v1/destinations/crm', undefined, 204);
    expect(deleted.noted).toEqual([{ action: 'destination.delete', detail: crm }]);
    const { body } = await api.get('/v1/audit?limit=1000');
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|whsec_/);
  });

  it('a decision, its versions, and which of them answers', async () => {
    const cases = [{ then: {} }];
    const created = await doing('POST /v1/decisions', { name: 'Banner', cases }, 201);
    const banner = { id: created.answered.id as string, key: 'banner' };
    expect(created.noted).toEqual([{ action: 'decision.create', detail: { ...banner, version: 1 } }]);
    const { noted } = await doing('PUT /v1/decisions/banner', { cases });
    expect(noted).toEqual([{ action: 'decision.change', detail: { ...banner, version: 2 } }]);
    const back = await doing('POST /v1/decisions/banner/activate', { version: 1 });
    expect(back.noted).toEqual([
      { action: 'decision.activate', detail: { ...banner, version: 1, before: 2 } },
    ]);
    expect((await doing('PUT /v1/decisions/banner', { cases: [] }, 400)).noted).toEqual([]);
    const deleted = await doing('DELETE /v1/decisions/banner', undefined, 204);
    expect(deleted.noted).toEqual([{ action: 'decision.delete', detail: banner }]);
  });
});
