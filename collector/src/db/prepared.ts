import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Querier } from './querier';

/** What of pg's client is needed here. */
interface Client {
  query<Row extends object>(statement: {
    readonly name?: string;
    readonly text: string;
    readonly values?: unknown[];
  }): Promise<{ readonly rows: Row[]; readonly command: string }>;
}

export interface Preparing {
  /** The connection's statements, prepared where that works. */
  over(client: Client): Querier;
  /** The pool as Kysely takes it: of what it is sent, it prepares what begins with {@link PREPARED}. */
  among(pool: PostgresPool): PostgresPool;
  /** Whether the error comes from preparing; then nothing is prepared from now on, and the same passes next time. */
  isGivenUpBy(error: unknown): boolean;
}

const MARK = '/* prepared */';

/**
 * Stands at the beginning of a read of Kysely's that is made often and takes longer to plan than to run: what looks into
 * every partition. Its text may not depend on what is asked for, but for a few forms: each is kept on each connection.
 */
export const PREPARED = sql.raw(MARK);

/** The statement is not known to this server connection, or known already: a pooler handed out another one. */
const OTHER_CONNECTION = ['26000', '42P05'];

/**
 * Prepares each statement once a connection (`PREPARE` by protocol), which saves the server from planning it again for
 * every group: with 64 events a group a quarter of its time. That is session state, which a pooler that hands out a
 * server connection for each transaction does not keep unless it tracks it (PgBouncer does, from 1.21 on): the first
 * error that says so ends it, for good.
 */
export function createPreparing(): Preparing {
  // Named by their text: behind a pooler another process' statement of that name is the same one.
  const names = new Map<string, string>();
  let isOn = true;
  const nameOf = (text: string): string => {
    let name = names.get(text);
    if (name === undefined) {
      name = `throughline_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
      names.set(text, name);
    }
    return name;
  };
  const prepareMarked = (client: PostgresPoolClient): PostgresPoolClient => {
    // Named statements are pg's, of which Kysely's type of a client knows nothing.
    const named = client as unknown as Client;
    const query = (text: unknown, values?: unknown[]): unknown =>
      isOn && typeof text === 'string' && text.startsWith(MARK) && values !== undefined
        ? named.query({ text, values, name: nameOf(text) })
        : client.query(text as string, values as unknown[]);
    return { query: query as PostgresPoolClient['query'], release: () => client.release() };
  };
  return {
    among: (pool) => ({
      connect: async () => prepareMarked(await pool.connect()),
      end: () => pool.end(),
    }),
    over: (client) => ({
      query: (text, values) => {
        if (values === undefined) return client.query({ text });
        return client.query({ text, values: [...values], ...(isOn ? { name: nameOf(text) } : {}) });
      },
    }),
    isGivenUpBy(error) {
      const isIt = OTHER_CONNECTION.includes(String((error as { code?: unknown } | null)?.code));
      if (isIt) isOn = false;
      return isIt;
    },
  };
}
