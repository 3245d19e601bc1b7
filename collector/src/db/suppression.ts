/** What ingest asks of regulations: what is held back, and how often it was. */
import type { Withheld } from '../core/suppression';
import { counts, texts, uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

/** What is held back of these subjects; `offset 0` as in write-identity.ts. */
export async function readWithheld(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<Withheld> {
  const { rows } = await client.query<{
    subject_id: string;
    from_at: Date | number | null;
    to_at: Date | number | null;
    owner_id: string | null;
    regulation_id: string;
    is_blank: boolean;
  }>(
    `select held.*,
       exists (
         select from subject s
         where s.workspace_id = $1 and s.subject_id = held.subject_id and s.value = '') as is_blank
     from unnest($2::uuid[]) as wanted (subject_id)
     cross join lateral (
       select subject_id, null::timestamptz as from_at, null::timestamptz as to_at, null::uuid as owner_id, regulation_id
       from suppression
       where workspace_id = $1 and subject_id = wanted.subject_id
       union all
       select subject_id, from_at, to_at, owner_id, regulation_id
       from tombstone
       where workspace_id = $1 and subject_id = wanted.subject_id
       offset 0) as held`,
    [workspaceId, uuids(subjectIds)],
  );
  return {
    blankIds: new Set(rows.filter((row) => row.is_blank).map((row) => row.subject_id)),
    suppressed: new Map(
      rows.filter((row) => row.from_at === null).map((row) => [row.subject_id, row.regulation_id]),
    ),
    tombstones: rows.flatMap((row) =>
      row.from_at === null
        ? []
        : [
            {
              subjectId: row.subject_id,
              fromAt: fromTimestamp(row.from_at),
              toAt: fromTimestamp(row.to_at!),
              ownerId: row.owner_id!,
              regulationId: row.regulation_id,
            },
          ],
    ),
  };
}

/** Counts what regulations kept out, in sorted order; the last thing that a group locks. */
export async function countDropped(
  client: Querier,
  workspaceId: string,
  dropped: ReadonlyMap<string, number>,
): Promise<void> {
  await client.query(
    `insert into regulation_dropped as d (workspace_id, regulation_id, events)
     select $1, regulation_id, events
     from unnest($2::uuid[], $3::bigint[]) as given (regulation_id, events)
     order by regulation_id
     on conflict (workspace_id, regulation_id) do update set events = d.events + excluded.events`,
    [workspaceId, uuids([...dropped.keys()]), counts([...dropped.values()])],
  );
}

/** Gives subjects whose value was erased their value again; they must be locked. */
export async function restoreSubjects(
  client: Querier,
  workspaceId: string,
  subjects: readonly { readonly subjectId: string; readonly value: string }[],
): Promise<void> {
  await client.query(
    `update subject s
     set value = given.value
     from unnest($2::uuid[], $3::text[]) as given (subject_id, value)
     where s.workspace_id = $1 and s.subject_id = given.subject_id and s.value = ''
       and s.subject_id = any($2::uuid[])`,
    [
      workspaceId,
      uuids(subjects.map((subject) => subject.subjectId)),
      texts(subjects.map((subject) => subject.value)),
    ],
  );
}
