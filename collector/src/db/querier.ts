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

/** A moment as Postgres reads it: an ISO text, or an infinity. */
export function toTimestamp(ms: number): string {
  if (ms === Infinity) return 'infinity';
  if (ms === -Infinity) return '-infinity';
  return new Date(ms).toISOString();
}

/** Milliseconds since 1970 of what pg reads: a Date, or ±Infinity. */
export function fromTimestamp(value: Date | number): number {
  return Number(value);
}
