import type { IdentifierKind } from '../core/identifier';
import type { Claim, Span } from '../core/identity';
import { fromTimestamp, type Querier, toTimestamp } from './querier';

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
      subjects.map((subject) => subject.subjectId),
      subjects.map((subject) => subject.kind),
      subjects.map((subject) => subject.value),
    ],
  );
}

/**
 * Locks the subjects in sorted order until the transaction ends: nobody else adds to them or moves them meanwhile.
 * A statement of its own after the insert, because a row that another writer committed in between would not be
 * seen, and so not be locked, by the insert's snapshot.
 */
export async function lockSubjects(
  client: Querier,
  workspaceId: string,
  subjectIds: readonly string[],
): Promise<void> {
  await client.query(
    `select count(*) from (
       select from subject
       where workspace_id = $1 and subject_id = any($2::uuid[])
       order by subject_id
       for no key update) as locked`,
    [workspaceId, subjectIds],
  );
}

interface OwnershipRow {
  subject_id: string;
  from_at: Date | number;
  to_at: Date | number;
  target_id: string;
  owner_id: string;
}

/** How the subjects' time is divided, in order; also that of the emails which the claims on `claimedIds` name. */
export async function readOwnership(
  client: Querier,
  workspaceId: string,
  { subjectIds, claimedIds }: { subjectIds: readonly string[]; claimedIds: readonly string[] },
): Promise<Map<string, Span[]>> {
  const { rows } = await client.query<OwnershipRow>(
    // A join with a list: any() over what is no constant compares every row with all of it (28.8 µs an event, this 3.7).
    `with wanted as materialized (
       select unnest($2::uuid[]) as subject_id
       union
       select stronger_id from claim where workspace_id = $1 and weaker_id = any($3::uuid[]))
     select o.subject_id, o.from_at, o.to_at, o.target_id, o.owner_id
     from wanted join ownership o on o.workspace_id = $1 and o.subject_id = wanted.subject_id
     order by o.subject_id, o.from_at`,
    [workspaceId, subjectIds, claimedIds],
  );
  const divisions = new Map<string, Span[]>();
  for (const row of rows) {
    const spans = divisions.get(row.subject_id) ?? [];
    spans.push({
      fromAt: fromTimestamp(row.from_at),
      toAt: fromTimestamp(row.to_at),
      targetId: row.target_id,
      ownerId: row.owner_id,
    });
    divisions.set(row.subject_id, spans);
  }
  return divisions;
}

/** The anonymous subjects some of whose time belongs to one of these emails: they follow the email. */
export async function readFollowers(
  client: Querier,
  workspaceId: string,
  emailIds: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ subject_id: string }>(
    `select distinct subject_id from ownership where workspace_id = $1 and target_id = any($2::uuid[])
       and subject_id <> target_id`,
    [workspaceId, emailIds],
  );
  return rows.map((row) => row.subject_id);
}

export async function readClaims(
  client: Querier,
  workspaceId: string,
  weakerIds: readonly string[],
): Promise<Claim[]> {
  const { rows } = await client.query<{
    weaker_id: string;
    from_at: Date;
    message_id: string;
    stronger_id: string;
  }>(
    `select weaker_id, from_at, message_id, stronger_id from claim
     where workspace_id = $1 and weaker_id = any($2::uuid[])`,
    [workspaceId, weakerIds],
  );
  return rows.map((row) => ({
    weakerId: row.weaker_id,
    fromAt: fromTimestamp(row.from_at),
    messageId: row.message_id,
    strongerId: row.stronger_id,
  }));
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
      claims.map((claim) => claim.weakerId),
      claims.map((claim) => toTimestamp(claim.fromAt)),
      claims.map((claim) => claim.messageId),
      claims.map((claim) => claim.strongerId),
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
      [...divisions.keys()],
    ]),
    client.query(
      `insert into ownership (workspace_id, subject_id, from_at, to_at, target_id, owner_id)
       select $1, given.*
       from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[]) as given`,
      [
        workspaceId,
        rows.map((row) => row.subjectId),
        rows.map((row) => toTimestamp(row.fromAt)),
        rows.map((row) => toTimestamp(row.toAt)),
        rows.map((row) => row.targetId),
        rows.map((row) => row.ownerId),
      ],
    ),
  ]);
}
