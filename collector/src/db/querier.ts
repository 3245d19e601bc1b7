import { CompiledQuery, type Transaction } from 'kysely';
import type { Database } from './tables';

/**
 * What a write needs of a connection: a structural slice of `pg`'s client. The write path sends its statements without
 * waiting for each answer (pipelining), which Kysely cannot do inside a transaction (it queues one query behind
 * another), so its functions take this; everything else takes Kysely.
 */
export interface Querier {
  query<Row extends object>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly command: string }>;
}

/** A transaction of Kysely's as the write path's functions take it; one statement after the other. */
export function querierIn(transaction: Transaction<Database>): Querier {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []) {
      const { rows } = await transaction.executeQuery(CompiledQuery.raw(text, [...values]));
      return { rows: rows as Row[], command: '' };
    },
  };
}

/** Milliseconds since 1970 of what pg reads: a Date, or ±Infinity. */
export function fromTimestamp(value: Date | number): number {
  return Number(value);
}
