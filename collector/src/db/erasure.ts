/** What was erased, as dividing subjects needs it. */
import type { Erased, Erasure } from '../core/erasure';
import type { Tombstone } from '../core/suppression';
import { uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

/** What was erased of these subjects; `offset 0` as in write-identity.ts. */
export async function readErased(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<Erased> {
  const { rows } = await client.query<{
    subject_id: string;
    whose_id: string;
    erased_at: Date | null;
    from_at: Date | number | null;
    to_at: Date | number | null;
    regulation_id: string | null;
  }>(
    `select found.*
     from unnest($2::uuid[]) as wanted (subject_id)
     cross join lateral (
       select subject_id, coalesce(target_id, owner_id) as whose_id, erased_at, null::timestamptz as from_at, null::timestamptz as to_at,
         null::uuid as regulation_id
       from erasure
       where workspace_id = $1 and subject_id = wanted.subject_id
       union all
       select subject_id, owner_id, null, from_at, to_at, regulation_id
       from tombstone
       where workspace_id = $1 and subject_id = wanted.subject_id
       offset 0) as found`,
    [workspaceId, uuids([...new Set(subjectIds)])],
  );
  const erasures = new Map<string, Erasure>();
  const tombstones: Tombstone[] = [];
  for (const row of rows) {
    const { subject_id: subjectId, whose_id: whoseId, regulation_id: regulationId } = row;
    if (row.erased_at !== null) {
      erasures.set(subjectId, { subjectId, targetId: whoseId, erasedAt: fromTimestamp(row.erased_at) });
    } else {
      const [fromAt, toAt] = [fromTimestamp(row.from_at!), fromTimestamp(row.to_at!)];
      tombstones.push({ subjectId, fromAt, toAt, ownerId: whoseId, regulationId: regulationId! });
    }
  }
  return { erasures, tombstones };
}
