import type { Verdict } from '../ingest';

/** What an import has come to so far: only what is committed counts. */
export interface ImportCounts {
  /** The number of the last line that is done, blank lines counted. */
  readonly lines: number;
  /** How much of the body is done, in bytes as they were sent. */
  readonly bytes: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Kept out by a regulation; left out where there is none. */
  readonly suppressed?: number;
}

export interface RejectedLine {
  readonly line: number;
  readonly messageId: string | null;
  readonly code: string;
  readonly message: string;
}

/** One line and what became of it. */
export interface LineVerdict {
  readonly line: number;
  readonly verdict: Verdict;
}

export interface Tally {
  readonly counts: ImportCounts;
  /** The first refusals, at most {@link MAX_SHOWN}. */
  readonly firstRejected: readonly RejectedLine[];
}

/** So many refusals are shown; all of them are kept as bad rows. */
const MAX_SHOWN = 20;

export const EMPTY_TALLY: Tally = {
  counts: { lines: 0, bytes: 0, accepted: 0, duplicates: 0, rejected: 0 },
  firstRejected: [],
};

/** The tally with another batch in it. */
export function addVerdicts(
  { counts, firstRejected }: Tally,
  { verdicts, lines, bytes }: { verdicts: readonly LineVerdict[]; lines: number; bytes: number },
): Tally {
  const countOf = (status: Verdict['status']): number =>
    verdicts.filter(({ verdict }) => verdict.status === status).length;
  const rejected = verdicts.flatMap(({ line, verdict }) => {
    if (verdict.status !== 'rejected') return [];
    const { messageId, code, message } = verdict;
    return [{ line, messageId, code, message }];
  });
  const suppressed = (counts.suppressed ?? 0) + countOf('suppressed');
  return {
    counts: {
      ...(suppressed === 0 ? {} : { suppressed }),
      lines,
      bytes,
      accepted: counts.accepted + countOf('accepted'),
      duplicates: counts.duplicates + countOf('duplicate'),
      rejected: counts.rejected + rejected.length,
    },
    firstRejected: [...firstRejected, ...rejected].slice(0, MAX_SHOWN),
  };
}
