import { useEffect, useState } from 'preact/hooks';
import { address } from '../api';
import { dayName } from '../format';
import { now } from '../now';
import { EventRow } from '../parts/event-row';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { usePages, useReload } from '../use-answer';
import { EVENT_TYPES, type ProfileDetail, type TimelineEvent } from '../wire';

const PAGE_SIZE = 50;

interface Filter {
  /** Empty: newest first. */
  readonly order: string;
  readonly type: string;
  readonly event: string;
}

/** A profile's events, day by day. */
export function Timeline({ profile }: { readonly profile: ProfileDetail }) {
  const [filter, setFilter] = useState<Filter>({ order: '', type: '', event: '' });
  const path = `/v1/profiles/${encodeURIComponent(profile.id)}/timeline`;
  const pages = usePages<TimelineEvent>(address(path, { ...filter, limit: PAGE_SIZE, include: 'context' }));
  const { items, failure, reload } = pages;
  useReload(reload, profile);
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <div class="timeline-head">
        <h2 id="timeline-title">Timeline</h2>
        <Filters filter={filter} events={items ?? []} onFilter={setFilter} />
      </div>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={6} />}
      {items?.length === 0 && <p class="muted footnote">No event matches.</p>}
      <div aria-busy={pages.loading}>
        {daysOf(items ?? []).map(({ name, events }) => (
          <section key={name} class="day">
            <h3>{name}</h3>
            <ol class="events events-timeline">
              {events.map((event) => (
                <EventRow
                  key={event.messageId}
                  event={event}
                  profileId={profile.id}
                  aside={<Via event={event} />}
                />
              ))}
            </ol>
          </section>
        ))}
      </div>
      <More pages={pages} />
    </section>
  );
}

interface FiltersProps {
  readonly filter: Filter;
  readonly events: readonly TimelineEvent[];
  readonly onFilter: (filter: Filter) => void;
}

/** Names that were seen are offered, and stay on offer while one of them is chosen. */
function Filters({ filter, events, onFilter }: FiltersProps) {
  const [known, setKnown] = useState<readonly string[]>([]);
  useEffect(() => {
    const names = events
      .filter((event) => event.type === 'track' && event.event)
      .map((event) => event.event!);
    setKnown((before) => [...new Set([...before, ...names])].sort());
  }, [events.length]);
  return (
    <div class="filters">
      <label>
        <span class="unseen">Order</span>
        <select
          value={filter.order}
          onChange={({ currentTarget }) => onFilter({ ...filter, order: currentTarget.value })}
        >
          <option value="">Newest first</option>
          <option value="oldest">Oldest first</option>
        </select>
      </label>
      <label>
        <span class="unseen">Type</span>
        <select
          value={filter.type}
          onChange={({ currentTarget }) => onFilter({ ...filter, type: currentTarget.value })}
        >
          <option value="">All types</option>
          {EVENT_TYPES.map((type) => (
            <option key={type} value={type}>
              {type}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">Event name</span>
        <select
          value={filter.event}
          onChange={({ currentTarget }) => onFilter({ ...filter, event: currentTarget.value })}
        >
          <option value="">All names</option>
          {known.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** By which identifier an event is here: how a history from before the sign-in was found. */
function Via({ event }: { readonly event: TimelineEvent }) {
  if (!event.via) return null;
  const { kind, value } = event.via;
  return (
    <span class="via" title={`On this timeline by ${kind} ${value}`}>
      {kind === 'user' ? 'user ID' : kind}
    </span>
  );
}

function daysOf(
  events: readonly TimelineEvent[],
): readonly { readonly name: string; readonly events: TimelineEvent[] }[] {
  const days: { name: string; events: TimelineEvent[] }[] = [];
  for (const event of events) {
    const name = dayName(event.occurredAt, now.value);
    const last = days.at(-1);
    if (last?.name === name) last.events.push(event);
    else days.push({ name, events: [event] });
  }
  return days;
}
