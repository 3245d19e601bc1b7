import pg from 'pg';

/**
 * Holds the events' table so that nobody can write or read it, as a long change of the schema would.
 *
 * @returns what lets it go
 */
export async function holdEvents(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query('begin');
  await client.query('lock table event in access exclusive mode');
  return () => client.end();
}

/** The IDs of all events that the first workspace has stored, sorted; twice what is stored twice. */
export async function readMessageIds(url: string): Promise<readonly string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(
      "select set_config('throughline.workspace', workspace_id::text, false) from workspace",
    );
    const { rows } = await client.query<{ id: string }>('select message_id as id from event');
    return rows.map(({ id }) => id).sort();
  } finally {
    await client.end();
  }
}
