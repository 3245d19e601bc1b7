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

/** Milliseconds since 1970 of what pg reads: a Date, or ±Infinity. */
export function fromTimestamp(value: Date | number): number {
  return Number(value);
}
