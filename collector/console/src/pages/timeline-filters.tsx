import { useEffect, useState } from 'preact/hooks';
import type { Query } from '../api';
import { EVENT_TYPES, type TimelineEvent } from '../wire';

export interface TimelineFilter {
  /** Empty: newest first. */
  readonly order: string;
  readonly type: string;
  readonly event: string;
  /** Days, such as 2026-11-20, in the reader's timezone; both are within. */
  readonly from: string;
  readonly to: string;
}

export const NO_FILTER: TimelineFilter = { order: '', type: '', event: '', from: '', to: '' };

/** What the API is asked for. */
export function queryOf({ from, to, ...rest }: TimelineFilter): Query {
  return { ...rest, from: midnightOf(from, 0), to: midnightOf(to, 1) };
}

export function isNarrowed({ type, event, from, to }: TimelineFilter): boolean {
  return [type, event, from, to].some((value) => value !== '');
}

function midnightOf(day: string, later: number): string {
  if (day === '') return '';
  const midnight = new Date(`${day}T00:00:00`);
  midnight.setDate(midnight.getDate() + later);
  return midnight.toISOString();
}

interface FiltersProps {
  readonly filter: TimelineFilter;
  readonly events: readonly TimelineEvent[];
  readonly onFilter: (filter: TimelineFilter) => void;
}

export function TimelineFilters({ filter, events, onFilter }: FiltersProps) {
  const names = useNames(events);
  const choose = (change: Partial<TimelineFilter>) => onFilter({ ...filter, ...change });
  return (
    <div class="filters">
      <Choice label="Order" chosen={filter.order} onChoose={(order) => choose({ order })}>
        {{ '': 'Newest first', oldest: 'Oldest first' }}
      </Choice>
      <Choice label="Type" chosen={filter.type} onChoose={(type) => choose({ type })}>
        {{ '': 'All types', ...itself(EVENT_TYPES) }}
      </Choice>
      <Choice label="Event name" chosen={filter.event} onChoose={(event) => choose({ event })}>
        {{ '': 'All names', ...itself(names) }}
      </Choice>
      <Day label="From" day={filter.from} onChoose={(from) => choose({ from })} />
      <Day label="To" day={filter.to} onChoose={(to) => choose({ to })} />
    </div>
  );
}

/** Names that were seen are offered, and stay on offer while one of them is chosen. */
function useNames(events: readonly TimelineEvent[]): readonly string[] {
  const [known, setKnown] = useState<readonly string[]>([]);
  const seen = [...new Set(events.flatMap(({ event }) => event ?? []))];
  useEffect(() => {
    setKnown((before) => [...new Set([...before, ...seen])].sort());
  }, [JSON.stringify(seen)]);
  return known;
}

function itself(values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(values.map((value) => [value, value]));
}

interface ChoiceProps {
  readonly label: string;
  readonly chosen: string;
  readonly onChoose: (value: string) => void;
  /** Labels by value. */
  readonly children: Readonly<Record<string, string>>;
}

function Choice({ label, chosen, onChoose, children }: ChoiceProps) {
  return (
    <label>
      <span class="unseen">{label}</span>
      <select value={chosen} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        {Object.entries(children).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface DayProps {
  readonly label: string;
  readonly day: string;
  readonly onChoose: (day: string) => void;
}

/** While a year is typed it is 0002, then 0020: before `min`, and so not asked for. */
function Day({ label, day, onChoose }: DayProps) {
  return (
    <label class="filter-day">
      <span>{label}</span>
      <input
        type="date"
        min="1970-01-01"
        max="9998-12-31"
        value={day}
        onChange={({ currentTarget: { value, validity } }) => validity.valid && onChoose(value)}
      />
    </label>
  );
}
