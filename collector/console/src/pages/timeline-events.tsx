import { address } from '../api';
import { dayName } from '../format';
import { now } from '../now';
import { EventRow } from '../parts/event-row';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { Via } from '../parts/via';
import { usePages, useReload } from '../use-answer';
import type { ProfileDetail, TimelineEvent } from '../wire';
import { isNarrowed, NO_FILTER, queryOf, type TimelineFilter, TimelineFilters } from './timeline-filters';

const PAGE_SIZE = 50;

interface TimelineEventsProps {
  readonly profile: ProfileDetail;
  readonly filter: TimelineFilter;
  readonly onFilter: (filter: TimelineFilter) => void;
}

/** A profile's events, day by day. */
export function TimelineEvents({ profile, filter, onFilter }: TimelineEventsProps) {
  const path = `/v1/profiles/${encodeURIComponent(profile.id)}/timeline`;
  const pages = usePages<TimelineEvent>(
    address(path, { ...queryOf(filter), limit: PAGE_SIZE, include: 'context' }),
  );
  const { items, failure, reload } = pages;
  useReload(reload, profile);
  // A page looks at so many events and no more: where few of them match, it ends early and leads on.
  const isShort = items !== undefined && (items.length === 0 || items.length % PAGE_SIZE > 0);
  return (
    <>
      <TimelineFilters filter={filter} events={items ?? []} onFilter={onFilter} />
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={6} />}
      {items?.length === 0 && (
        <p class="muted footnote">
          {pages.hasMore ? 'No event matches so far.' : 'No event matches.'}{' '}
          {isNarrowed(filter) && (
            <button
              type="button"
              class="button-quiet"
              onClick={() => onFilter({ ...NO_FILTER, order: filter.order })}
            >
              Show all
            </button>
          )}
        </p>
      )}
      <div aria-busy={pages.loading}>
        <Days events={items ?? []} profileId={profile.id} />
      </div>
      <More pages={pages} label={isShort ? FURTHER[filter.order] : undefined} />
    </>
  );
}

const FURTHER: Readonly<Record<string, string>> = {
  '': 'Look further back',
  oldest: 'Look further on',
};

function Days({
  events,
  profileId,
}: {
  readonly events: readonly TimelineEvent[];
  readonly profileId: string;
}) {
  return daysOf(events).map(({ name, events: ofDay }) => (
    <section key={name} class="day">
      <h3>{name}</h3>
      <ol class="events events-timeline">
        {ofDay.map((event) => (
          <EventRow
            key={event.messageId}
            event={event}
            profileId={profileId}
            aside={<Via via={event.via} />}
          />
        ))}
      </ol>
    </section>
  ));
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
