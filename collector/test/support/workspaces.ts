/** A workspace to a test: its own, and used as its owner uses it, over HTTP with its keys. */
import { randomUUID } from 'node:crypto';
import { hashToken } from '../../src/core/key';
import { changeWorkspace } from '../../src/db/connect';
import type { Api } from './api';

export interface TestWorkspace {
  readonly workspaceId: string;
  readonly writeKey: string;
  readonly secretKey: string;
  /** Sends items as one batch with the write key, as a page does. */
  readonly send: (items: readonly object[], envelope?: object) => Promise<SentBatch>;
  /** Sends items as one batch with the secret key, so that they may be of any age. */
  readonly backfill: (items: readonly object[]) => Promise<SentBatch>;
  /** Reads with the secret key. */
  readonly get: (path: string) => Promise<Shown>;
  /** Asks for something with the secret key. */
  readonly post: (path: string, body: object) => Promise<Shown>;
}

export interface SentBatch {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly index: number; readonly code: string }[];
}

// A test says what it expects of an answer; anything else fails there.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shown = any;

export async function addWorkspace(api: Api): Promise<TestWorkspace> {
  const keys = await insertWorkspace(api);
  const call = async (path: string, key: string, body?: object): Promise<Shown> => {
    const authorization = key.startsWith('sk_') ? `Bearer ${key}` : `Basic ${btoa(`${key}:`)}`;
    const response = await fetch(api.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    ...keys,
    send: (batch, envelope) => call('/v1/batch', keys.writeKey, { batch, ...envelope }),
    backfill: (batch) => call('/v1/batch', keys.secretKey, { batch }),
    get: (path) => call(path, keys.secretKey),
    post: (path, body) => call(path, keys.secretKey, body),
  };
}

type Keys = Pick<TestWorkspace, 'workspaceId' | 'writeKey' | 'secretKey'>;

async function insertWorkspace(api: Api): Promise<Keys> {
  const workspaceId = randomUUID();
  const sourceId = randomUUID();
  const writeKey = `pk_${randomUUID()}`;
  const secretKey = `sk_${randomUUID()}`;
  const its = { workspace_id: workspaceId };
  const keyOf = (token: string) => ({ ...its, key_id: randomUUID(), hash: hashToken(token) });
  await changeWorkspace(api.db, workspaceId, async (transaction) => {
    await transaction
      .insertInto('workspace')
      .values({ ...its, name: 'Another' })
      .execute();
    await transaction
      .insertInto('source')
      .values({ ...its, source_id: sourceId, name: 'Shop' })
      .execute();
    await transaction
      .insertInto('access_key')
      .values([
        { ...keyOf(writeKey), kind: 'write', source_id: sourceId, token: writeKey },
        { ...keyOf(secretKey), kind: 'secret', source_id: null, token: null },
      ])
      .execute();
  });
  return { workspaceId, writeKey, secretKey };
}
