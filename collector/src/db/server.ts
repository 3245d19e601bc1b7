import type { Pool } from 'pg';

export interface ServerTraits {
  /** E.g. `15.4`. */
  readonly version: string;
  readonly isSupported: boolean;
  /** A superuser, or a role with BYPASSRLS: the second wall between workspaces does not bind it. */
  readonly bypassesRowSecurity: boolean;
}

const OLDEST_SUPPORTED = 150_000;

/** What there is to know about a database before using it. */
export async function describeServer(pool: Pool): Promise<ServerTraits> {
  const { rows } = await pool.query<{ version: string; number: number; bypasses: boolean }>(
    `select current_setting('server_version') as version,
      current_setting('server_version_num')::int as number,
      coalesce((select rolsuper or rolbypassrls from pg_roles where rolname = current_user), false) as bypasses`,
  );
  const { version, number, bypasses } = rows[0]!;
  return { version, isSupported: number >= OLDEST_SUPPORTED, bypassesRowSecurity: bypasses };
}
