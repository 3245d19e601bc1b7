import { absoluteTime } from '../format';
import type { JsonObject, TimelineEvent } from '../wire';
import { JsonView } from './json-view';
import { WhyHere } from './why-here';

interface EventDetailProps {
  readonly event: TimelineEvent;
  /** On whose timeline it is shown, if on one. */
  readonly profileId?: string | undefined;
}

/** All of an event: what it said, who and when, and under which circumstances. */
export function EventDetail({ event, profileId }: EventDetailProps) {
  const bodies = [
    { label: 'properties', value: event.properties },
    { label: 'traits', value: event.traits },
  ].filter(({ value }) => hasContent(value));
  return (
    <>
      <div class="event-bodies">
        {bodies.map(({ label, value }) => (
          <section key={label}>
            <h3>{label}</h3>
            <JsonView value={value} label={label} />
          </section>
        ))}
        {bodies.length === 0 && <p class="muted">It carries no properties.</p>}
        {profileId !== undefined && <WhyHere event={event} profileId={profileId} />}
        {hasContent(event.context) && (
          <details>
            <summary>context</summary>
            <JsonView value={event.context} label="context" />
          </details>
        )}
      </div>
      <EventFacts event={event} />
    </>
  );
}

function EventFacts({ event }: { readonly event: TimelineEvent }) {
  const facts = [
    ['User ID', event.userId],
    ['Email', event.email],
    ['Anonymous ID', event.anonymousId],
    ['Occurred', absoluteTime(event.occurredAt)],
    ['Received', absoluteTime(event.receivedAt)],
    ['Source', event.source?.name],
    ['Message ID', event.messageId],
  ] as const;
  return (
    <dl class="facts">
      {facts.map(
        ([label, value]) =>
          value && (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function hasContent(value: JsonObject | null | undefined): boolean {
  return value !== null && value !== undefined && Object.keys(value).length > 0;
}
