import type { Kysely } from 'kysely';
import type { DecisionDefinition } from '../core/decision';
import type { Identifier } from '../core/identifier';
import {
  audiencesNamedIn,
  missingAmong,
  type NamedAudience,
  orderByReading,
  readBy,
} from '../core/decision-audiences';
import {
  type ActiveDecision,
  beginDecision,
  type DecisionPlace,
  isMemberNow,
  type OneProfile,
  readAskedNow,
  readNamedAudiences,
  readVersion,
} from '../db/decide';
import { type CasesRow, compileCases } from '../db/decision-sql';
import type { Querier } from '../db/querier';
import type { Database } from '../db/tables';

/** A version that is known, and which audiences it takes to answer: those that it names, and those that these read. */
export interface KnownDecision extends ActiveDecision {
  readonly definition: DecisionDefinition;
  readonly audiences: readonly string[];
}

export interface DecisionRequest extends DecisionPlace {
  /** JSON text of an object. */
  readonly context: string;
  readonly now: Date;
}

/** An audience that was considered. */
export interface ConsideredAudience {
  readonly key: string;
  readonly isMember: boolean;
  /** Whether it was worked out just now, because what is stored may be from before something that is known already. */
  readonly isFresh: boolean;
}

/** What was found, all in one snapshot. */
export interface FoundDecision extends CasesRow {
  readonly known: KnownDecision;
  readonly profileId: string | null;
  /** What was asked under, where somebody was seen under it. */
  readonly identifier: Identifier | null;
  /** Of the workspace. */
  readonly currency: string;
  readonly audiences: readonly ConsideredAudience[];
}

interface Reading {
  readonly client: Querier;
  /** Compiles; it runs nothing. */
  readonly db: Kysely<Database>;
  readonly request: DecisionRequest;
}

/**
 * Reads what a decision goes by and finds which of its cases hold: in two steps, where what is known of the decision is
 * what stands and nobody has yet to look at the profile. From the begin of a transaction to its commit.
 *
 * @param known what was read last; another version is read in the same snapshot
 * @returns null where there is no such decision
 */
export async function readDecision(
  reading: Reading,
  { known, timeoutMs }: { readonly known: KnownDecision | null; readonly timeoutMs: number },
): Promise<FoundDecision | null> {
  const { client, request } = reading;
  const { workspaceId, now } = request;
  const [, { active, profileId, identifier, ...place }, first] = await Promise.all([
    beginDecision(client, { workspaceId, timeoutMs }),
    readAskedNow(client, request),
    readNamedAudiences(client, request, { keys: known?.audiences ?? [], now }),
  ]);
  if (active === null) {
    await client.query('rollback');
    return null;
  }
  const isKnown = known?.id === active.id && known.version === active.version;
  const definition = isKnown ? known.definition : await readVersion(client, workspaceId, active);
  const named = audiencesNamedIn(definition);
  const read = isKnown ? first : await readNamedAudiences(client, request, { keys: named, now });
  const audiences = orderByReading(await addThoseRead(client, request, read), named);
  const memberships = new Map(named.map((key) => [key, false]));
  const profile = { workspaceId, profileId: profileId ?? request.subjectId, now, memberships, ...place };
  const considered = await lookAgain(reading, { audiences, profile });
  const found = await findCases(reading, { definition, profile });
  const keys = new Set([...named, ...audiences.map(({ key }) => key)]);
  const answering = { ...active, definition, audiences: [...keys] };
  const { currency } = place;
  return { ...found, known: answering, profileId, identifier, currency, audiences: considered };
}

/** Audiences may read others, which take part then. What is named and gone holds for nobody. */
async function addThoseRead(
  client: Querier,
  request: DecisionRequest,
  read: readonly NamedAudience[],
): Promise<readonly NamedAudience[]> {
  const missing = missingAmong(read);
  if (missing.length === 0) return read;
  const more = await readNamedAudiences(client, request, { keys: missing, now: request.now });
  return more.length === 0 ? read : addThoseRead(client, request, [...read, ...more]);
}

interface Looking {
  readonly audiences: readonly NamedAudience[];
  readonly profile: OneProfile & { readonly memberships: Map<string, boolean> };
}

/** What is stored counts, except where somebody has yet to look at the profile, or at what an audience reads. */
async function lookAgain(
  { client, db }: Reading,
  { audiences, profile }: Looking,
): Promise<ConsideredAudience[]> {
  const considered: ConsideredAudience[] = [];
  const moved = new Set<string>();
  for (const audience of audiences) {
    const isFresh = audience.isPending || readBy(audience).some((key) => moved.has(key));
    const isMember = isFresh ? await isMemberNow(client, db, { audience, of: profile }) : audience.isMember;
    if (isMember !== audience.isMember) moved.add(audience.key);
    profile.memberships.set(audience.key, isMember);
    considered.push({ key: audience.key, isMember, isFresh });
  }
  return considered;
}

async function findCases(
  { client, db, request }: Reading,
  { definition, profile }: { readonly definition: DecisionDefinition; readonly profile: OneProfile },
): Promise<CasesRow> {
  if (definition.cases.every(({ when }) => when === null)) {
    await client.query('commit');
    return { holds: [], found: [] };
  }
  const { text, values } = compileCases(db, definition, { ...profile, context: request.context });
  const [{ rows }] = await Promise.all([client.query<CasesRow>(text, values), client.query('commit')]);
  return rows[0]!;
}
