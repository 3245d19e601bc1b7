import { useEffect, useState } from 'preact/hooks';
import { openSession } from '../api';
import { counted, wholeNumber } from '../format';
import { createLiveFeed, MAX_ROWS } from '../live-feed';
import { EventRow } from '../parts/event-row';
import { Icon } from '../parts/icon';
import { Screen } from '../parts/screen';
import { Who } from '../parts/who';
import { FirstEvent } from './first-event';

const ANNOUNCE_EVERY_MS = 10_000;

/** Kept while other pages are looked at, so that coming back finds the rows again. */
const feed = createLiveFeed({
  open: () => new EventSource('/v1/events/live'),
  onRefused: () => void openSession(),
  soon: (work) => void requestAnimationFrame(work),
});

export function Live() {
  useEffect(() => feed.connect(), []);
  const rows = feed.rows.value;
  return (
    <Screen title="Live" lead={<Connection />} actions={<Controls />}>
      <Announcer />
      {feed.held.value > 0 && (
        <button type="button" class="held" onClick={feed.resume}>
          {counted(feed.held.value, 'new event')}: show {feed.held.value === 1 ? 'it' : 'them'}
        </button>
      )}
      {rows.length === 0 ? (
        <FirstEvent />
      ) : (
        <ol class="events events-live" aria-label="Live events, newest first">
          {rows.map((event) => (
            <EventRow
              key={event.messageId}
              event={event}
              aside={<Who identity={event} profileId={event.profileId} />}
            />
          ))}
        </ol>
      )}
      {rows.length === MAX_ROWS && (
        <p class="muted footnote">The newest {wholeNumber(MAX_ROWS)} are shown here.</p>
      )}
    </Screen>
  );
}

function Connection() {
  const state = feed.paused.value ? 'paused' : feed.state.value;
  const words = {
    connecting: 'Connecting…',
    live: 'Listening: events appear as they arrive',
    waiting: 'Connection lost. Trying again…',
    paused: 'Paused: new events are counted, not shown',
  }[state];
  return (
    <span class={`connection connection-${state}`} role="status">
      {words}
    </span>
  );
}

function Controls() {
  return (
    <>
      {feed.paused.value ? (
        <button type="button" class="button-main" onClick={feed.resume}>
          <Icon name="play" />
          Resume
        </button>
      ) : (
        <button type="button" onClick={feed.pause}>
          <Icon name="pause" />
          Pause
        </button>
      )}
      <button type="button" disabled={feed.rows.value.length === 0} onClick={feed.clear}>
        Clear
      </button>
    </>
  );
}

/** A list that changes many times a second must not be read out; its count is, now and then. */
function Announcer() {
  const [announced, announce] = useState(feed.seen.peek());
  useEffect(() => {
    const timer = setInterval(() => announce(feed.seen.peek()), ANNOUNCE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="unseen" aria-live="polite">
      {announced > 0 && `${counted(announced, 'event')} arrived since the console was opened.`}
    </p>
  );
}
