import { type Kysely, sql } from 'kysely';
import { changeWorkspace } from '../../src/db/connect';
import type { Database } from '../../src/db/tables';

/** Every row of every table that a workspace can see, as one text: to look for what must not be anywhere. */
export function everythingOf(db: Kysely<Database>, workspaceId: string): Promise<string> {
  return changeWorkspace(db, workspaceId, async (transaction) => {
    const { rows: tables } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`.execute(
      transaction,
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await sql<{ text: string }>`
        select coalesce(string_agg(t::text, ' '), '') as text from ${sql.table(name)} t`.execute(transaction);
      texts.push(`${name}: ${rows[0]!.text}`);
    }
    return texts.join('\n');
  });
}
