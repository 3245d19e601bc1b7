import { useId, useState } from 'preact/hooks';
import { address, post } from '../api';
import { absoluteTime, counted, duration } from '../format';
import { now } from '../now';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import { useAnswer, usePages, useReload } from '../use-answer';
import { type Attempt, type Delivery, type Destination, outcomeOf } from '../wire-destinations';

const STATES = { all: 'All', waiting: 'Waiting', dead: 'Dead letters' } as const;
type Shown = keyof typeof STATES;

const NOTHING: Record<Shown, string> = {
  all: 'Nothing was sent yet.',
  waiting: 'Nothing waits.',
  dead: 'No dead letters: everything was taken.',
};

interface DeliveriesProps {
  readonly destination: Destination;
  readonly onChange: () => void;
}

/** What was sent, and what came back; what was given up can be sent again. */
export function Deliveries({ destination, onChange }: DeliveriesProps) {
  const [shown, setShown] = useState<Shown>('all');
  const path = `/v1/destinations/${encodeURIComponent(destination.id)}`;
  const pages = usePages<Delivery>(
    address(`${path}/deliveries`, { limit: 50, state: shown === 'all' ? undefined : shown }),
  );
  const { items, failure, reload } = pages;
  useReload(reload, destination);
  const replay = async (which: string): Promise<void> => {
    const answer = await post<{ replayed: number }>(`${path}${which}/replay`);
    if (!answer.ok) return toastFailure(answer);
    toastDone(`${counted(answer.value.replayed, 'dead letter')} sent again.`);
    onChange();
  };
  return (
    <section aria-labelledby="deliveries-title">
      <div class="log-head">
        <h2 id="deliveries-title" class="section-title">
          Log
        </h2>
        <label>
          <span class="unseen">Deliveries shown</span>
          <select value={shown} onChange={({ currentTarget }) => setShown(currentTarget.value as Shown)}>
            {Object.entries(STATES).map(([state, name]) => (
              <option key={state} value={state}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {destination.dead > 0 && (
          <button type="button" onClick={() => replay('')}>
            <Icon name="refresh" />
            Send all dead letters again
          </button>
        )}
      </div>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={5} />}
      {items?.length === 0 && <p class="muted footnote">{NOTHING[shown]}</p>}
      {items && items.length > 0 && (
        <ol class="events" aria-busy={pages.loading}>
          {items.map((delivery) => (
            <DeliveryRow
              key={delivery.id}
              delivery={delivery}
              path={`${path}/deliveries/${delivery.id}`}
              onReplay={() => replay(`/deliveries/${delivery.id}`)}
            />
          ))}
        </ol>
      )}
      <More pages={pages} />
    </section>
  );
}

interface RowProps {
  readonly delivery: Delivery;
  readonly path: string;
  readonly onReplay: () => void;
}

function DeliveryRow({ delivery, path, onReplay }: RowProps) {
  const [open, setOpen] = useState(false);
  const detailId = useId();
  const { state, lastAttempt, createdAt, attempts } = delivery;
  return (
    <li class="event">
      <button
        type="button"
        class="event-toggle delivery-toggle"
        aria-expanded={open}
        aria-controls={detailId}
        onClick={() => setOpen(!open)}
      >
        <Icon name="chevron" />
        <span class={`badge${state === 'delivered' || state === 'empty' ? '' : ' badge-failed'}`}>
          {state}
        </span>
        <span class="delivery-what">{contentOf(delivery)}</span>
        <span class="muted">
          {lastAttempt ? outcomeOf(lastAttempt) : 'not tried yet'}
          {attempts > 1 && ` · ${attempts} attempts`}
        </span>
        <time dateTime={createdAt} title={absoluteTime(createdAt)}>
          <Ago at={createdAt} />
        </time>
      </button>
      {open && (
        <div id={detailId} class="delivery-detail">
          <Detail delivery={delivery} path={path} onReplay={onReplay} />
        </div>
      )}
    </li>
  );
}

function Detail({ delivery, path, onReplay }: RowProps) {
  const { value, failure, reload } = useAnswer<{ readonly data: readonly Attempt[] }>(`${path}/attempts`);
  const { id, state, nextAttemptAt } = delivery;
  return (
    <>
      <p class="muted">
        webhook-id <code>{id}</code>
        {nextAttemptAt !== null && `, tried again ${untilOf(nextAttemptAt)}`}
      </p>
      {!value && failure && <Problem failure={failure} onRetry={reload} />}
      {!value && !failure && <Skeleton rows={1} />}
      {value && (
        <ol class="plain">
          {value.data.map((attempt) => (
            <li key={attempt.at}>
              <strong>{outcomeOf(attempt)}</strong>{' '}
              <span class="muted">
                {absoluteTime(attempt.at)}, {attempt.durationMs} ms
                {attempt.status !== null && attempt.error !== null && `, ${attempt.error}`}
              </span>
              {attempt.excerpt !== null && <pre>{attempt.excerpt}</pre>}
            </li>
          ))}
        </ol>
      )}
      {state === 'dead' && (
        <button type="button" onClick={onReplay}>
          <Icon name="refresh" />
          Send again
        </button>
      )}
    </>
  );
}

/** "big-spenders, changes 1 to 40", "members of big-spenders". */
function contentOf({ parts }: Delivery): string {
  return parts
    .map(({ audience, isBackfill, fromChange, toChange }) => {
      const name = audience ?? 'a deleted audience';
      if (isBackfill) return `members of ${name}`;
      const first = Number(fromChange) + 1;
      const which = first === Number(toChange) ? `change ${first}` : `changes ${first} to ${toChange}`;
      return `${name}, ${which}`;
    })
    .join('; ');
}

function untilOf(at: string): string {
  const seconds = (Date.parse(at) - now.value) / 1000;
  return seconds <= 0 ? 'now' : `in ${duration(seconds)}`;
}
