import type { IdentifierKind } from '../core/identifier';
import type { Claim, Pair, Span } from '../core/identity';
import { counts, instants, texts, uuids } from './columns';
import { fromTimestamp, type Querier } from './querier';

export interface Subject {
  readonly subjectId: string;
  readonly kind: IdentifierKind;
  readonly value: string;
}

/** Creates the subjects that are new; those that exist stay as they are. */
export async function createSubjects(
  client: Querier,
  workspaceId: string,
  subjects: readonly Subject[],
): Promise<void> {
  await client.query(
    `insert into subject (workspace_id, subject_id, kind, value)
     select $1, subject_id, kind, value
     from unnest($2::uuid[], $3::text[], $4::text[]) as given (subject_id, kind, value)
     order by subject_id
     on conflict do nothing`,
    [
      workspaceId,
      uuids(subjects.map((subject) => subject.subjectId)),
      texts(subjects.map((subject) => subject.kind)),
      texts(subjects.map((subject) => subject.value)),
    ],
  );
}

/** Those of these subjects that are emails, which are locked before all others. */
export async function readEmailsAmong(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ subject_id: string }>(
    `select subject_id from subject
     where workspace_id = $1 and subject_id = any($2::uuid[]) and kind = 'email'`,
    [workspaceId, uuids(subjectIds)],
  );
  return rows.map((row) => row.subject_id);
}

/** Locks the subjects, in the order in which they are given, until the transaction ends: see {@link lockEach}. */
export function lockSubjects(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<void> {
  return lockEach(
    client,
    workspaceId,
    subjectIds.map((subjectId) => ({ subjectId, isShared: false })),
  );
}

/**
 * Nobody else claims or divides a locked subject until the transaction ends. One that is shared is divided by nobody,
 * and others may claim what changes nothing about it, and share it too.
 *
 * A statement of its own after the insert, because a row that another writer committed in between would not be seen, and
 * so not be locked, by the insert's snapshot.
 */
export async function lockEach(
  client: Querier,
  workspaceId: string,
  wanted: readonly { readonly subjectId: string; readonly isShared: boolean }[],
): Promise<void> {
  await client.query(
    `select count(locked.is_there), count(shared.is_there)
     from unnest($2::uuid[], $3::bigint[]) as wanted (subject_id, is_shared)
     left join lateral (
       select true as is_there from subject
       where workspace_id = $1 and subject_id = wanted.subject_id and wanted.is_shared = 0
       for no key update) as locked on true
     left join lateral (
       select true as is_there from subject
       where workspace_id = $1 and subject_id = wanted.subject_id and wanted.is_shared = 1
       for share) as shared on true`,
    [
      workspaceId,
      uuids(wanted.map(({ subjectId }) => subjectId)),
      counts(wanted.map(({ isShared }) => (isShared ? 1 : 0))),
    ],
  );
}

/**
 * `offset 0` keeps the planner from turning the join around: as long as it knows nothing of a young table it would read
 * all of the workspace's rows and compare each with the whole list (35 µs an event, this 1), and a prepared statement
 * keeps that plan.
 */
const OWNERSHIP_OF_WANTED = `unnest($2::uuid[]) as wanted (subject_id)
  cross join lateral (
    select *, xmin from ownership
    where workspace_id = $1 and subject_id = wanted.subject_id
    offset 0) as o`;

/**
 * Tells who wrote a row, so that sums over rows tell whether they still are the same ones. Hashed, because transaction
 * IDs lie side by side: 103 + 105 is 104 + 104, and an older transaction that had to wait writes after a younger one.
 */
const STAMP = 'hashint8(o.xmin::text::bigint)';

/** How a subject's time is divided, as it was read. */
export interface Division {
  readonly spans: readonly Span[];
  /** Of the rows that say so: whoever changes a division writes its rows anew. */
  readonly stamp: number;
}

/** How the subjects' time is divided, in order; a subject that owns itself is left out. */
export async function readOwnership(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<Map<string, Division>> {
  const { rows } = await client.query<{
    subject_id: string;
    from_at: Date | number;
    to_at: Date | number;
    target_id: string;
    owner_id: string;
    stamp: number;
  }>(
    `select o.subject_id, o.from_at, o.to_at, o.target_id, o.owner_id, ${STAMP} as stamp
     from ${OWNERSHIP_OF_WANTED}
     order by o.subject_id, o.from_at`,
    [workspaceId, uuids(subjectIds)],
  );
  const divisions = new Map<string, { spans: Span[]; stamp: number }>();
  for (const row of rows) {
    const division = divisions.get(row.subject_id) ?? { spans: [], stamp: 0 };
    division.stamp += row.stamp;
    division.spans.push({
      fromAt: fromTimestamp(row.from_at),
      toAt: fromTimestamp(row.to_at),
      targetId: row.target_id,
      ownerId: row.owner_id,
    });
    divisions.set(row.subject_id, division);
  }
  return divisions;
}

/** What may have changed since it was read without a lock. */
export interface SecondLook {
  /** As many rows, written by the same transactions. */
  readonly isOwnershipUnchanged: boolean;
  /** See enterWorkspace(). */
  readonly regulationEpoch: number;
  /** Of which audiences the workspace has; 0: there never was one. */
  readonly audienceEpoch: number;
  /** See db/event-horizon.ts; null: nothing was ever exported. */
  readonly exportedUntil: number | null;
}

/** Whether the subjects are still divided as they were read, and what regulations and audiences there are now. */
export async function lookAgain(
  client: Querier,
  workspaceId: string,
  read: { readonly subjectIds: readonly string[]; readonly rows: number; readonly stamp: number },
): Promise<SecondLook> {
  const { rows } = await client.query<{
    rows: number;
    stamp: number;
    epochs: readonly [regulation: number, audience: number, exportedUntil: number | null] | null;
  }>(
    `select count(*) as rows, coalesce(sum(${STAMP}), 0)::bigint as stamp,
       (select array[regulation_epoch, audience_epoch, (extract(epoch from exported_until) * 1000)::bigint]
        from workspace where workspace_id = $1) as epochs
     from ${OWNERSHIP_OF_WANTED}`,
    [workspaceId, uuids(read.subjectIds)],
  );
  const now = rows[0]!;
  return {
    isOwnershipUnchanged: now.rows === read.rows && now.stamp === read.stamp,
    regulationEpoch: now.epochs?.[0] ?? 0,
    audienceEpoch: now.epochs?.[1] ?? 0,
    exportedUntil: now.epochs?.[2] ?? null,
  };
}

/**
 * The subjects that were ever tied to one of these emails or users, by claims that were voided too: they follow it. Also
 * those none of whose time belongs to it: of a shared one an email counts as an owner, and no longer where it turns out
 * to be another one's.
 */
export async function readFollowers(
  client: Querier,
  workspaceId: string,
  strongerIds: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ subject_id: string }>(
    `select distinct tied.subject_id
     from unnest($2::uuid[]) as stronger (subject_id)
     cross join lateral (
       select weaker_id as subject_id from claim
       where workspace_id = $1 and stronger_id = stronger.subject_id
       offset 0) as tied`,
    [workspaceId, uuids(strongerIds)],
  );
  return rows.map((row) => row.subject_id);
}

/** Claims, and the pairs among them that somebody voided. */
export interface StoredClaims {
  readonly claims: readonly Claim[];
  readonly voided: readonly Pair[];
}

export const NO_CLAIMS: StoredClaims = { claims: [], voided: [] };

/** All claims on these subjects; in one statement, since hardly ever is one of them voided. */
export async function readClaims(
  client: Querier,
  workspaceId: string,
  weakerIds: readonly string[],
): Promise<StoredClaims> {
  const { rows } = await client.query<{
    weaker_id: string;
    from_at: Date | null;
    message_id: string;
    stronger_id: string;
  }>(
    `select weaker_id, from_at, message_id, stronger_id from claim
     where workspace_id = $1 and weaker_id = any($2::uuid[])
     union all
     select weaker_id, null, void_id, stronger_id from claim_void
     where workspace_id = $1 and weaker_id = any($2::uuid[])`,
    [workspaceId, uuids(weakerIds)],
  );
  const claims: Claim[] = [];
  const voided: Pair[] = [];
  for (const { weaker_id: weakerId, from_at: at, message_id: messageId, stronger_id: strongerId } of rows) {
    if (at === null) voided.push({ weakerId, strongerId });
    else claims.push({ weakerId, fromAt: fromTimestamp(at), messageId, strongerId });
  }
  return { claims, voided };
}

export async function insertClaims(
  client: Querier,
  workspaceId: string,
  claims: readonly Claim[],
): Promise<void> {
  await client.query(
    `insert into claim (workspace_id, weaker_id, from_at, message_id, stronger_id)
     select $1, given.*
     from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[]) as given`,
    [
      workspaceId,
      uuids(claims.map((claim) => claim.weakerId)),
      instants(claims.map((claim) => claim.fromAt)),
      uuids(claims.map((claim) => claim.messageId)),
      uuids(claims.map((claim) => claim.strongerId)),
    ],
  );
}

/** Writes how these subjects' time is divided from now on, in place of what stood there. */
export async function replaceOwnership(
  client: Querier,
  workspaceId: string,
  divisions: ReadonlyMap<string, readonly Span[]>,
): Promise<void> {
  const rows = [...divisions].flatMap(([subjectId, spans]) => spans.map((span) => ({ subjectId, ...span })));
  await Promise.all([
    client.query(`delete from ownership where workspace_id = $1 and subject_id = any($2::uuid[])`, [
      workspaceId,
      uuids([...divisions.keys()]),
    ]),
    client.query(
      `insert into ownership (workspace_id, subject_id, from_at, to_at, target_id, owner_id)
       select $1, given.*
       from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[]) as given`,
      [
        workspaceId,
        uuids(rows.map((row) => row.subjectId)),
        instants(rows.map((row) => row.fromAt)),
        instants(rows.map((row) => row.toAt)),
        uuids(rows.map((row) => row.targetId)),
        uuids(rows.map((row) => row.ownerId)),
      ],
    ),
  ]);
}
