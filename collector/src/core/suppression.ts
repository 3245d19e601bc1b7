import type { NormalEvent } from './event';
import { subjectIdOf } from './identifier';

/** A time in which an erased profile owned a subject: nothing from it is taken in again. Milliseconds since 1970. */
export interface Tombstone {
  readonly subjectId: string;
  readonly fromAt: number;
  /** Exclusive. */
  readonly toAt: number;
  /** The erased profile. */
  readonly ownerId: string;
  readonly regulationId: string;
}

/** What a workspace takes in no more. */
export interface Withheld {
  /** The regulation that suppressed a subject, by the subject. */
  readonly suppressed: ReadonlyMap<string, string>;
  readonly tombstones: readonly Tombstone[];
  /** Subjects whose readable value was erased. */
  readonly blankIds: ReadonlySet<string>;
}

/** The subjects that an event names: its own first. */
export function subjectsNamedBy(
  { identifiers }: Pick<NormalEvent, 'identifiers'>,
  workspaceId: string,
): string[] {
  return identifiers.map((identifier) => subjectIdOf(workspaceId, identifier));
}

/**
 * The regulation by which an event is dropped, or null: it carries a suppressed identifier, whichever of its own that
 * is, or what it tells of its subject is from a time that was erased.
 */
export function regulationAgainst(
  event: Pick<NormalEvent, 'identifiers' | 'subjectId' | 'occurredAt'>,
  { workspaceId, withheld }: { workspaceId: string; withheld: Withheld },
): string | null {
  for (const subjectId of subjectsNamedBy(event, workspaceId)) {
    const regulationId = withheld.suppressed.get(subjectId);
    if (regulationId !== undefined) return regulationId;
  }
  const { subjectId, occurredAt } = event;
  const tombstone = withheld.tombstones.find(
    (each) => each.subjectId === subjectId && each.fromAt <= occurredAt && occurredAt < each.toAt,
  );
  return tombstone?.regulationId ?? null;
}
