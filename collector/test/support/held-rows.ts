/** Holds rows that groups are to wait for, so that a test decides who of several writers goes first. */
import type { PoolClient } from 'pg';
import type { Writing } from './writing';

/** A transaction beside the write path, in which a test holds what a group is to wait for. */
export async function hold(
  { writing, workspaceId }: { readonly writing: Writing; readonly workspaceId: string },
  text: string,
  values: readonly unknown[],
): Promise<PoolClient> {
  const client = await writing.pool.connect();
  await client.query('begin');
  await client.query(`select set_config('throughline.workspace', $1, true)`, [workspaceId]);
  await client.query(text, [...values]);
  return client;
}

export async function letGo(client: PoolClient): Promise<void> {
  await client.query('rollback');
  client.release();
}

/** The transaction IDs of those who wait for a lock, once there are so many. */
export async function waiting({ pool }: Writing, count: number): Promise<number[]> {
  for (;;) {
    const { rows } = await pool.query<{ xid: string }>(
      `select backend_xid::text as xid from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' order by query_start`,
    );
    if (rows.length === count) return rows.map(({ xid }) => Number(xid));
  }
}
