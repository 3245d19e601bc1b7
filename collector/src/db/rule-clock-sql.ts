import { type RawBuilder, sql } from 'kysely';
import { type EventRule, OPERATORS, parseDuration } from '../core/rule';
import { changesOf } from './rule-comparison-sql';
import { type AskedEvents, isCounted, mayMatter } from './rule-event-sql';
import { propertyOf } from './rule-property-sql';
import { justAfter, laterBy, readTime, type RunTime, stillToCome } from './rule-time-sql';

/**
 * When time alone may next change what a leaf's aggregate is, as an aggregate over the events of one owner; null where
 * no event does so.
 *
 * It is the earliest moment at which one of the events enters or leaves what the leaf counts: as early as that, though
 * the leaf may hold afterwards as before, and never later. Where a leaf only asks whether there is any event within a
 * time, which most do, it is when the last one leaves.
 */
export function nextChange(asked: AskedEvents): RawBuilder<Date | null> | null {
  const { rule, time } = asked;
  const ofConditions = changesOfConditions(rule, time);
  const isWindowAll = ofConditions.length === 0 && rule.then?.not !== true;
  if (rule.within !== undefined && isWindowAll && asksForAny(rule)) return lastToLeave(asked, rule.within);
  const changes = [...moves(rule, time), ...ofConditions];
  if (changes.length === 0) return null;
  return sql`min(least(${sql.join(changes)})) filter (where ${mayMatter(rule, time)})`;
}

const OCCURRED_AT = sql`e.occurred_at`;

function lastToLeave(asked: AskedEvents, within: string): RawBuilder<Date | null> {
  const end = laterBy(OCCURRED_AT, parseDuration(within)!, asked.time);
  return sql`least(
    max(${end}) filter (where ${isCounted(asked)}),
    min(${stillToCome(OCCURRED_AT, asked.time)}) filter (where ${mayMatter(asked.rule, asked.time)}))`;
}

/** When an event enters or leaves the leaf's window, and when it is settled that nothing followed it. */
function moves({ within, between, then }: EventRule, time: RunTime): readonly RawBuilder<Date | null>[] {
  const after = (duration: string) => laterBy(OCCURRED_AT, parseDuration(duration)!, time);
  return [
    ...(within === undefined ? [] : [OCCURRED_AT, after(within)]),
    // A window between two times holds its first moment: an event is still in it when it is exactly as old.
    ...(between ?? []).flatMap((end) => ('ago' in readTime(end) ? [justAfter(after(end))] : [])),
    ...(then?.not === true ? [after(then.within)] : []),
  ].map((moment) => stillToCome(moment, time));
}

function changesOfConditions({ where, then }: EventRule, time: RunTime): readonly RawBuilder<Date | null>[] {
  return [...(where ?? []), ...(then?.where ?? [])].flatMap(({ prop, ...comparisons }) =>
    changesOf(propertyOf(prop), comparisons, time),
  );
}

/** Whether the leaf's outcome changes only between no event and one. */
function asksForAny(rule: EventRule): boolean {
  if ((rule.agg ?? 'count') !== 'count') return false;
  const asked = OPERATORS.number.flatMap((operator) => {
    const operand = rule[operator];
    return operand === undefined ? [] : [`${operator} ${JSON.stringify(operand)}`];
  });
  return asked.every((comparison) => ANY_OR_NONE.includes(comparison));
}

const ANY_OR_NONE: readonly string[] = ['gte 1', 'gt 0', 'eq 0', 'neq 0', 'lt 1', 'lte 0'];
