/** A warehouse of a test's own, in memory: DuckDB reads files as others will. */
import { DuckDBInstance } from '@duckdb/node-api';

/** The rows that a query gives, as JSON: decimals and large integers are texts, instants too. */
export async function queryDuckDb(statements: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("set timezone = 'UTC'");
    return (await connection.runAndReadAll(statements)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
