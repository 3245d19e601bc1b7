import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { absoluteTime, clockTime } from '../format';
import { factsOf, titleOf } from '../summary';
import type { TimelineEvent } from '../wire';
import { EventDetail } from './event-detail';
import { Icon } from './icon';

interface EventRowProps {
  readonly event: TimelineEvent;
  /** On whose timeline it is, if on one. */
  readonly profileId?: string;
  /** What stands at the end of the line: who it was, or by which identifier. */
  readonly aside?: ComponentChildren;
}

/** One event in one line, which opens to all that it carries. */
export function EventRow({ event, profileId, aside }: EventRowProps) {
  const [open, setOpen] = useState(false);
  const detailId = useId();
  return (
    <li class="event">
      <div class="event-line">
        <button
          type="button"
          class="event-toggle"
          aria-expanded={open}
          aria-controls={detailId}
          onClick={() => setOpen(!open)}
        >
          <Icon name="chevron" />
          <time dateTime={event.occurredAt} title={absoluteTime(event.occurredAt)}>
            {clockTime(event.occurredAt)}
          </time>
          <span class={`type type-${event.type}`}>{event.type}</span>
          <span class="event-name">{titleOf(event)}</span>
          <span class="event-facts">
            {factsOf(event).map(({ key, text }) => (
              <span key={key} class="fact">
                <span class="fact-key">{key}</span> {text}
              </span>
            ))}
          </span>
        </button>
        {aside && <div class="event-aside">{aside}</div>}
      </div>
      <div id={detailId} class="event-detail" hidden={!open}>
        {open && <EventDetail event={event} profileId={profileId} />}
      </div>
    </li>
  );
}
