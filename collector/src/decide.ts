/** Answers what to do for somebody now: by what is stored of them and what the caller says, within a time. */
import type { Kysely } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { type Chosen, choose, type DefaultReason, type Signal, signalsUpTo } from './core/decision-answer';
import { TIME_LIMIT_MS } from './core/decision';
import { isUnavailable } from './db/availability';
import { createPreparing } from './db/prepared';
import type { Database } from './db/tables';
import {
  type ConsideredAudience,
  type DecisionRequest,
  type FoundDecision,
  type KnownDecision,
  readDecision,
} from './decide/read-decision';
import { recordDecision } from './decide/record-decision';
import { OutOfTime, within } from './decide/within';
import type { Identifier } from './core/identifier';
import type { Ingest } from './ingest';

export interface Decision extends Chosen {
  readonly known: KnownDecision;
  /** null: a case held. */
  readonly defaultReason: DefaultReason | null;
  readonly profileId: string | null;
  /** Under which it was asked about; null where nobody was ever seen under it. */
  readonly identifier: Identifier | null;
  /** Of the workspace; null where it was not found. */
  readonly currency: string | null;
  readonly signals: readonly Signal[];
  readonly audiences: readonly ConsideredAudience[];
  /** Whether it is stored as an event by now; null where nobody wished that. */
  readonly isRecorded: boolean | null;
  readonly tookMs: number;
}

export interface AskedDecision extends DecisionRequest {
  /** @default what the decision says */
  readonly timeLimitMs: number | undefined;
  /** Whether it becomes an event. @default what the decision says */
  readonly record: boolean | undefined;
  /** The event's ID. */
  readonly messageId: string;
  /** Whether a page asks: only what the decision's owner has opened to pages is there for it. */
  readonly isPublic: boolean;
}

export interface Decider {
  /**
   * @returns null where there is no such decision
   * @throws what the database says, or OutOfTime, where it is not known what the default is
   */
  decide(asked: AskedDecision): Promise<Decision | null>;
}

export interface DeciderOptions {
  /** Connections of its own, which do not wait behind long reads. */
  readonly pool: Pool;
  readonly db: Kysely<Database>;
  readonly ingest: Ingest;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: () => number;
  /** A decision fell back on its default, or was not recorded, and that is nobody's wish. */
  readonly onProblem: (error: unknown) => void;
  /** How one was come to. @default nobody counts */
  readonly onDecided?: (outcome: 'case' | DefaultReason) => void;
}

/** Definitions are small; beyond these the first ones are read again. */
const MAX_KNOWN = 1_000;

export function createDecider(options: DeciderOptions): Decider {
  const { monotonic, onProblem, onDecided, ingest } = options;
  const look = createLook(options);

  return {
    async decide(asked) {
      const startedAt = monotonic();
      const before = look.lastKnown(asked);
      // Whoever asks first waits for the definition, which says how long may be waited.
      const limitMs = asked.timeLimitMs ?? before?.definition.timeLimitMs ?? TIME_LIMIT_MS.most;
      const remaining = () => startedAt + limitMs - monotonic();
      const decision = await within(remaining(), look.find(asked, remaining)).then(
        (found) => (found === null ? null : answerOf(found)),
        (error: unknown) => {
          if (before === undefined) throw error;
          const defaultReason = reasonOf(error);
          if (defaultReason !== 'time_limit') onProblem(error);
          return defaultOf(before, defaultReason);
        },
      );
      if (decision === null || (asked.isPublic && !decision.known.definition.public)) return null;
      onDecided?.(decision.defaultReason ?? 'case');
      const isRecorded = await record({ ingest, asked, decision, remaining, onProblem });
      return { ...decision, isRecorded, tookMs: monotonic() - startedAt };
    },
  };
}

interface Look {
  readonly find: (request: DecisionRequest, remaining: () => number) => Promise<FoundDecision | null>;
  /** The definition by which was answered last. */
  readonly lastKnown: (request: DecisionRequest) => KnownDecision | undefined;
}

/** Reads, and keeps what was read of the definition, also where that came too late for who asked. */
function createLook({ pool, db }: DeciderOptions): Look {
  const preparing = createPreparing();
  const known = new Map<string, KnownDecision>();
  const placeOf = ({ workspaceId, reference }: DecisionRequest) => `${workspaceId} ${reference}`;

  const findOnce: Look['find'] = async (request, remaining) => {
    const client = await pool.connect();
    if (remaining() <= 0) {
      client.release();
      throw new OutOfTime('A connection was free too late.');
    }
    try {
      const before = known.get(placeOf(request)) ?? null;
      const reading = { client: preparing.over(client), db, request };
      const found = await readDecision(reading, { known: before, timeoutMs: remaining() });
      client.release();
      if (known.size >= MAX_KNOWN) known.clear();
      if (found === null) known.delete(placeOf(request));
      else known.set(placeOf(request), found.known);
      return found;
    } catch (error) {
      await abandon(client, error);
      throw error;
    }
  };

  return {
    lastKnown: (request) => known.get(placeOf(request)),
    find: (request, remaining) =>
      findOnce(request, remaining).catch((error: unknown) => {
        if (preparing.isGivenUpBy(error)) return findOnce(request, remaining);
        throw error;
      }),
  };
}

type Answered = Omit<Decision, 'tookMs' | 'isRecorded'>;

function answerOf({ known, holds, found, ...about }: FoundDecision): Answered {
  const chosen = choose(known.definition, holds);
  const why = about.profileId === null ? 'no_profile' : 'nothing_matched';
  const signals = signalsUpTo(known.definition, chosen.index, found);
  const defaultReason = chosen.isDefault ? why : null;
  return { ...chosen, ...about, known, defaultReason, signals };
}

function defaultOf(known: KnownDecision, defaultReason: DefaultReason): Answered {
  const chosen = choose(known.definition, []);
  const nobody = { profileId: null, identifier: null, currency: null };
  return { ...chosen, ...nobody, known, defaultReason, signals: [], audiences: [] };
}

/**
 * A record takes the way of all events, and the answer waits for its commit as long as there is time: what was
 * acknowledged is stored. Of somebody who was never seen nothing is recorded: that would make a profile of them.
 */
async function record({
  ingest,
  asked,
  decision,
  remaining,
  onProblem,
}: {
  readonly ingest: Ingest;
  readonly asked: AskedDecision;
  readonly decision: Answered;
  readonly remaining: () => number;
  readonly onProblem: DeciderOptions['onProblem'];
}): Promise<boolean | null> {
  const { known, key, isDefault, defaultReason, profileId, identifier, currency } = decision;
  const { workspaceId, messageId, now: at } = asked;
  if (!(asked.record ?? known.definition.record)) return null;
  if (identifier === null || profileId === null || currency === null) return false;
  const properties = { decision: known.key, version: known.version, case: key, isDefault, defaultReason };
  const written = recordDecision(ingest, { workspaceId, currency, identifier, messageId, at, properties });
  return within(remaining(), written).catch((error: unknown) => {
    if (!(error instanceof OutOfTime)) onProblem(error);
    return false;
  });
}

/** The server ends a statement that takes longer than is left. */
const STATEMENT_TIMED_OUT = '57014';
const LOCK_TIMED_OUT = '55P03';

function reasonOf(error: unknown): DefaultReason {
  const { code } = error as { code?: unknown };
  if (error instanceof OutOfTime || code === STATEMENT_TIMED_OUT || code === LOCK_TIMED_OUT)
    return 'time_limit';
  return isUnavailable(error) ? 'unavailable' : 'failed';
}

/** A connection on which something broke, rather than was refused, is closed instead of going back to the pool. */
async function abandon(client: PoolClient, error: unknown): Promise<void> {
  const { code } = error as { code?: unknown };
  const isServers = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  if (!isServers) return client.release(error as Error);
  try {
    await client.query('rollback');
    client.release();
  } catch (cause) {
    client.release(cause as Error);
  }
}
