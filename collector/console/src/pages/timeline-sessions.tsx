import { useId, useState } from 'preact/hooks';
import { address } from '../api';
import { absoluteTime, counted, duration, shortMoment } from '../format';
import { now } from '../now';
import { EventRow } from '../parts/event-row';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { Via } from '../parts/via';
import { campaignOf } from '../summary';
import { usePages, useReload } from '../use-answer';
import type { ProfileDetail, ProfileSession, TimelineEvent } from '../wire';

const PAGE_SIZE = 20;
const EVENTS_PAGE_SIZE = 50;

/** A profile's events, visit by visit, the one that ended last first. */
export function TimelineSessions({ profile }: { readonly profile: ProfileDetail }) {
  const path = `/v1/profiles/${encodeURIComponent(profile.id)}/sessions`;
  const pages = usePages<ProfileSession>(address(path, { limit: PAGE_SIZE }));
  const { items, failure, reload } = pages;
  useReload(reload, profile);
  return (
    <>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={6} />}
      {items?.length === 0 && <p class="muted footnote">No session.</p>}
      {items && items.length > 0 && (
        <ol class="events sessions" aria-busy={pages.loading}>
          {items.map((session) => (
            <SessionRow key={session.timeline} session={session} profileId={profile.id} />
          ))}
        </ol>
      )}
      <More pages={pages} />
    </>
  );
}

interface SessionProps {
  readonly session: ProfileSession;
  readonly profileId: string;
}

/** One session in one line, which opens to its events. */
function SessionRow({ session, profileId }: SessionProps) {
  const [open, setOpen] = useState(false);
  const eventsId = useId();
  const { startedAt, durationSeconds, events, isWhole } = session;
  return (
    <li class="event">
      <button
        type="button"
        class="event-toggle session-toggle"
        aria-expanded={open}
        aria-controls={eventsId}
        onClick={() => setOpen(!open)}
      >
        <Icon name="chevron" />
        <time dateTime={startedAt} title={`From ${absoluteTime(startedAt)}`}>
          {shortMoment(startedAt, now.value)}
        </time>
        <span class="session-size" title={isWhole ? undefined : 'It began earlier than was looked at.'}>
          {!isWhole && 'over '}
          {duration(durationSeconds)}, {counted(events, 'event')}
        </span>
        <Began session={session} />
      </button>
      <div id={eventsId} class="session-events" hidden={!open}>
        {open && <SessionEvents session={session} profileId={profileId} />}
      </div>
    </li>
  );
}

/** Where a session began, and what led to it. */
function Began({ session: { firstPage, campaign } }: Pick<SessionProps, 'session'>) {
  const name = firstPage?.title ?? firstPage?.name;
  const place = firstPage?.path ?? firstPage?.url;
  const source = campaignOf(campaign);
  return (
    <>
      <span class="event-facts" title={firstPage?.url ?? undefined}>
        {!name && !place && <span class="muted">no page</span>}
        {name && <span class="event-name fact">{name}</span>}
        {place && <span class={name ? 'fact muted' : 'event-name fact'}>{place}</span>}
      </span>
      {source && (
        <span class="event-facts session-campaign" title={source}>
          <span class="fact-key">campaign</span> {source}
        </span>
      )}
    </>
  );
}

function SessionEvents({ session, profileId }: SessionProps) {
  const query = `limit=${EVENTS_PAGE_SIZE}&include=context`;
  const pages = usePages<TimelineEvent>(`${session.timeline}&${query}`);
  const { items, failure, reload } = pages;
  useReload(reload, session);
  return (
    <>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={Math.min(session.events, 4)} />}
      <ol class="events-timeline" aria-label="Events of the session" aria-busy={pages.loading}>
        {items?.map((event) => (
          <EventRow
            key={event.messageId}
            event={event}
            profileId={profileId}
            aside={<Via via={event.via} />}
          />
        ))}
      </ol>
      <More pages={pages} />
    </>
  );
}
