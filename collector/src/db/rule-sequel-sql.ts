import { type RawBuilder, sql } from 'kysely';
import { type EventRule, parseDuration } from '../core/rule';
import { isOfKind, meetsCondition, propertyOf } from './rule-property-sql';
import { laterBy, type RunTime } from './rule-time-sql';

/**
 * The time of the nearest event after each one that a leaf's `then` asks for; null where there is none.
 *
 * A window over the owner's events, latest first, so that its frame (all that are later; events of one moment are not
 * later than each other) only grows: one sort for all leaves that ask for the same properties. A lookup for each event
 * would read the others once for each, and a frame that shrinks is added up anew for each row.
 */
export function nextOf({ then, same }: EventRule, time: RunTime): RawBuilder<unknown> {
  const { event, where } = then!;
  const isNext = [isOfKind(event), ...(where ?? []).map((condition) => meetsCondition(condition, time))];
  const alike = (same ?? []).map((path) => sql`, ${propertyOf(path).sql}`);
  return sql`min(e.occurred_at) filter (where ${sql.join(isNext, sql` and `)}) over (
    partition by e.owner_id${sql.join(alike, sql``)} order by e.occurred_at desc
    groups between unbounded preceding and 1 preceding)`;
}

/** Whether an event is followed, or not followed, as a leaf's `then` asks. */
export function followedAsAsked(
  { then, same }: EventRule,
  { time, next }: { time: RunTime; next: RawBuilder<unknown> },
): RawBuilder<boolean> {
  const { within, not } = then!;
  const end = laterBy(sql`e.occurred_at`, parseDuration(within)!, time);
  // Two events without a property do not have the same one, though a window puts them together.
  const hasAll = (same ?? []).map((path) => sql`${propertyOf(path).sql} is not null`);
  const isFollowed = sql`coalesce(${sql.join([sql`${next} <= ${end}`, ...hasAll], sql` and `)}, false)`;
  return not === true ? sql`(not ${isFollowed} and ${end} <= ${time.now}::timestamptz)` : sql`${isFollowed}`;
}
