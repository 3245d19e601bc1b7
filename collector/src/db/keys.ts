import { type Kysely, sql } from 'kysely';
import { hashToken, type KeyKind } from '../core/key';
import { changeWorkspace } from './connect';
import type { Database } from './tables';

/** What a key opens. */
export interface Access {
  readonly workspaceId: string;
  readonly keyId: string;
  readonly currency: string;
  readonly kind: KeyKind;
  /** Where a write key's events come from. */
  readonly source: {
    readonly sourceId: string;
    readonly name: string;
    /** null: any origin may send. */
    readonly allowedOrigins: readonly string[] | null;
  } | null;
}

/** Every request begins with this: one that cannot be looked up is answered 503 soon. */
const LOOK_UP_WITHIN_MS = 5_000;

/** What a key opens, or null where it is unknown or revoked. Found by its hash: comparing takes no secret-dependent time. */
export async function findAccess(db: Kysely<Database>, token: string): Promise<Access | null> {
  const hash = hashToken(token);
  return db.transaction().execute(async (transaction) => {
    await sql`
      select set_config('throughline.credential', ${hash.toString('hex')}, true),
        set_config('lock_timeout', ${String(LOOK_UP_WITHIN_MS)}, true),
        set_config('statement_timeout', ${String(LOOK_UP_WITHIN_MS)}, true)`.execute(transaction);
    const key = await transaction
      .selectFrom('access_key')
      .innerJoin('workspace', 'workspace.workspace_id', 'access_key.workspace_id')
      .select(['access_key.workspace_id', 'key_id', 'kind', 'source_id', 'currency'])
      .where('hash', '=', hash)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (key === undefined) return null;
    await sql`select set_config('throughline.workspace', ${key.workspace_id}, true)`.execute(transaction);
    const source =
      key.source_id === null
        ? undefined
        : await transaction
            .selectFrom('source')
            .select(['source_id', 'name', 'allowed_origins'])
            .where('workspace_id', '=', key.workspace_id)
            .where('source_id', '=', key.source_id)
            .executeTakeFirst();
    return {
      workspaceId: key.workspace_id,
      keyId: key.key_id,
      currency: key.currency,
      kind: key.kind,
      source:
        source === undefined
          ? null
          : { sourceId: source.source_id, name: source.name, allowedOrigins: source.allowed_origins },
    };
  });
}

/** The workspace that the first start made; null before it. */
export async function findFirstWorkspace(db: Kysely<Database>): Promise<string | null> {
  const first = await db
    .selectFrom('workspace')
    .select('workspace_id')
    .orderBy('created_at')
    .orderBy('workspace_id')
    .executeTakeFirst();
  return first?.workspace_id ?? null;
}

export interface FirstWorkspace {
  readonly workspaceId: string;
  /** A write key that works; public, so it may be shown at every start. */
  readonly writeKey: string;
  /** The secret key where it was made just now: nobody can show it again. */
  readonly newSecretKey: string | null;
}

/** The keys that the first workspace shall have, and where new ones and IDs come from. */
export interface FirstKeys {
  /** Fixed by the environment; taken as they are. */
  readonly writeKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly newKey: (kind: KeyKind) => string;
  readonly newId: () => string;
}

/**
 * Makes sure that there is a workspace with a source, a write key and a secret key. Several processes may start at
 * once: one creates, the others find.
 */
export async function ensureFirstWorkspace(db: Kysely<Database>, keys: FirstKeys): Promise<FirstWorkspace> {
  const workspaceId = await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtext('throughline.first_workspace'))`.execute(transaction);
    const first = await findFirstWorkspace(transaction);
    if (first !== null) return first;
    const created = { workspace_id: keys.newId(), name: 'My workspace' };
    await transaction.insertInto('workspace').values(created).execute();
    return created.workspace_id;
  });
  return changeWorkspace(db, workspaceId, async (transaction) => {
    await sql`select pg_advisory_xact_lock(hashtext('throughline.first_workspace'))`.execute(transaction);
    const sourceId = await ensureSource(transaction, { workspaceId, newId: keys.newId });
    const known = await transaction
      .selectFrom('access_key')
      .select(['kind', 'token', 'hash'])
      .where('workspace_id', '=', workspaceId)
      .where('revoked_at', 'is', null)
      .orderBy('created_at')
      .execute();
    const ensure = async (kind: KeyKind, fixed: string | undefined) => {
      const ofKind = known.filter((key) => key.kind === kind);
      if (fixed === undefined && ofKind.length > 0) return null;
      const token = fixed ?? keys.newKey(kind);
      const hash = hashToken(token);
      if (ofKind.some((key) => key.hash.equals(hash))) return null;
      await transaction
        .insertInto('access_key')
        .values({
          workspace_id: workspaceId,
          key_id: keys.newId(),
          kind,
          source_id: kind === 'write' ? sourceId : null,
          hash,
          token: kind === 'write' ? token : null,
        })
        .execute();
      return token;
    };
    const newWriteKey = await ensure('write', keys.writeKey);
    const newSecretKey = await ensure('secret', keys.secretKey);
    const shown = known.find((key) => key.kind === 'write')?.token;
    return { workspaceId, writeKey: keys.writeKey ?? newWriteKey ?? shown!, newSecretKey };
  });
}

async function ensureSource(
  db: Kysely<Database>,
  { workspaceId, newId }: { workspaceId: string; newId: () => string },
): Promise<string> {
  const known = await db
    .selectFrom('source')
    .select('source_id')
    .where('workspace_id', '=', workspaceId)
    .orderBy('created_at')
    .executeTakeFirst();
  if (known !== undefined) return known.source_id;
  const created = { workspace_id: workspaceId, source_id: newId(), name: 'Website' };
  await db.insertInto('source').values(created).execute();
  return created.source_id;
}
