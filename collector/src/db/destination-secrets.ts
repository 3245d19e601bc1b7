/** What a destination's deliveries are signed with: one secret, or two while it is changed. */
import { sql, type Kysely, type Transaction } from 'kysely';
import { type DestinationReference, lockDestination } from './destinations';
import type { Database } from './tables';

const MOST_SECRETS = 2;

export interface NewSecret {
  readonly id: string;
  readonly secret: string;
  readonly createdAt: Date;
}

/** @returns false where two are live already */
export async function insertSecret(
  db: Transaction<Database>,
  place: DestinationReference,
  { id, secret, createdAt }: NewSecret,
): Promise<boolean> {
  const its = { workspace_id: place.workspaceId, destination_id: place.destinationId };
  await lockDestination(db, place);
  if ((await readSecrets(db, place)).length >= MOST_SECRETS) return false;
  await db
    .insertInto('destination_secret')
    .values({ ...its, secret_id: id, secret, created_at: createdAt })
    .execute();
  return true;
}

/** The live secrets, the newest one first. */
export async function readSecrets(
  db: Kysely<Database>,
  { workspaceId, destinationId }: DestinationReference,
): Promise<string[]> {
  const rows = await db
    .selectFrom('destination_secret')
    .select('secret')
    .where('workspace_id', '=', workspaceId)
    .where('destination_id', '=', destinationId)
    .orderBy('created_at', 'desc')
    .orderBy('secret_id', 'desc')
    .execute();
  return rows.map((row) => row.secret);
}

/** last: nothing could be signed without it. */
export async function deleteSecret(
  db: Transaction<Database>,
  place: DestinationReference,
  secretId: string,
): Promise<'deleted' | 'unknown' | 'last'> {
  await lockDestination(db, place);
  const { rows } = await sql<{ is_there: boolean; live: number }>`
    select coalesce(bool_or(secret_id = ${secretId}), false) as is_there, count(*) as live
    from destination_secret
    where workspace_id = ${place.workspaceId} and destination_id = ${place.destinationId}`.execute(db);
  const { is_there: isThere, live } = rows[0]!;
  if (!isThere) return 'unknown';
  if (live === 1) return 'last';
  await db
    .deleteFrom('destination_secret')
    .where('workspace_id', '=', place.workspaceId)
    .where('destination_id', '=', place.destinationId)
    .where('secret_id', '=', secretId)
    .execute();
  return 'deleted';
}
