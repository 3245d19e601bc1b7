import { createHash } from 'node:crypto';
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
  /** Whether the error comes from preparing; then nothing is prepared from now on, and the same passes next time. */
  isGivenUpBy(error: unknown): boolean;
}

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
  return {
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
