import { useState } from 'preact/hooks';
import { patch, post } from '../api';
import { counted, wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Delete } from '../parts/delete';
import { Icon } from '../parts/icon';
import { Screen } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import { useById } from '../use-by-id';
import type { Destination as DestinationAnswer, Tested } from '../wire-destinations';
import { outcomeOf } from '../wire-destinations';
import { Deliveries } from './deliveries';
import { Secrets } from './destination-secrets';
import { StateBadge } from './destination-state';

const pathOf = ({ id }: { readonly id: string }): string => `/v1/destinations/${encodeURIComponent(id)}`;

export function Destination() {
  const { value: destination, reload, instead } = useById<DestinationAnswer>('destinations');
  return destination === undefined ? <>{instead}</> : <Known destination={destination} onChange={reload} />;
}

interface KnownProps {
  readonly destination: DestinationAnswer;
  readonly onChange: () => void;
}

function Known({ destination, onChange }: KnownProps) {
  const [tested, setTested] = useState<Tested | null>(null);
  const behind = destination.audiences.reduce((sum, audience) => sum + audience.behind, 0);
  return (
    <Screen
      title={destination.name}
      heading={
        <>
          {destination.name} <StateBadge destination={destination} />
        </>
      }
      lead={
        <>
          <a href="/console/destinations">Destinations</a>
          <span class="parted">
            <code>{destination.key}</code>
          </span>
        </>
      }
      actions={<Actions destination={destination} onChange={onChange} onTested={setTested} />}
    >
      {destination.state === 'gone' && (
        <div class="problem" role="alert">
          <Icon name="warning" />
          <p>The receiver answered that it is gone (410). Nothing is sent until it is resumed.</p>
        </div>
      )}
      {tested && <TestAnswer tested={tested} />}
      <dl class="figures">
        <div>
          <dt>To be sent</dt>
          <dd>{counted(behind, 'change')}</dd>
        </div>
        <div>
          <dt>Dead letters</dt>
          <dd>{wholeNumber(destination.dead)}</dd>
        </div>
        <div>
          <dt>Last attempt</dt>
          <dd>{destination.lastAttempt ? <Ago at={destination.lastAttempt.at} /> : 'none'}</dd>
        </div>
      </dl>
      <div class="columns">
        <div class="facts-column">
          <Facts destination={destination} />
          <Secrets destination={destination} onChange={onChange} />
          <Delete
            kind="destinations"
            of={destination}
            question={`Delete “${destination.name}” with its secrets and its log? What waits is not sent.`}
          />
        </div>
        <Deliveries destination={destination} onChange={onChange} />
      </div>
    </Screen>
  );
}

function Actions({
  destination,
  onChange,
  onTested,
}: KnownProps & { readonly onTested: (tested: Tested) => void }) {
  const [busy, setBusy] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    const answer = await post<Tested>(`${pathOf(destination)}/test`);
    setBusy(false);
    if (answer.ok) onTested(answer.value);
    else toastFailure(answer);
  };
  const isActive = destination.state === 'active';
  const turn = async (): Promise<void> => {
    const answer = await patch(pathOf(destination), { state: isActive ? 'paused' : 'active' });
    if (!answer.ok) return toastFailure(answer);
    toastDone(isActive ? 'Paused: nothing is sent, and nothing lost.' : 'Resumed where it was.');
    onChange();
  };
  return (
    <>
      <button type="button" onClick={onChange}>
        <Icon name="refresh" />
        Refresh
      </button>
      <a class="button" href={`/console/destinations/${destination.id}/edit`}>
        <Icon name="edit" />
        Edit
      </a>
      <button type="button" onClick={turn}>
        <Icon name={isActive ? 'pause' : 'play'} />
        {isActive ? 'Pause' : 'Resume'}
      </button>
      <button type="button" class="button-main" disabled={busy} onClick={test}>
        <Icon name="destinations" />
        {busy ? 'Sending…' : 'Send a test'}
      </button>
    </>
  );
}

function TestAnswer({ tested }: { readonly tested: Tested }) {
  const { isDelivered, durationMs, excerpt, error, status } = tested;
  return (
    <div class={isDelivered ? 'panel' : 'problem'} role="status">
      {!isDelivered && <Icon name="warning" />}
      <p>
        {isDelivered ? 'The test arrived: ' : 'The test was not taken: '}
        {outcomeOf(tested)} after {wholeNumber(durationMs)} ms.
        {status !== null && error !== null && ` ${error}`}
        {excerpt !== null && (
          <>
            {' '}
            It said <code>{excerpt.slice(0, 200)}</code>
          </>
        )}
      </p>
    </div>
  );
}

function Facts({ destination }: { readonly destination: DestinationAnswer }) {
  const { url, audiences, batchSize } = destination;
  return (
    <section class="panel">
      <h2>Webhook</h2>
      <dl class="facts">
        <dt>URL</dt>
        <dd>
          <code>{url}</code>
        </dd>
        <dt>Audiences</dt>
        <dd>
          {audiences.length === 0 && 'none is left'}
          <ul class="plain">
            {audiences.map(({ id, name, isBackfilling }) => (
              <li key={id}>
                <a href={`/console/audiences/${id}`}>{name}</a>
                {isBackfilling && <span class="muted"> sending its members</span>}
              </li>
            ))}
          </ul>
        </dd>
        <dt>Requests</dt>
        <dd>{batchSize === 1 ? 'one for each change' : `up to ${wholeNumber(batchSize)} changes in each`}</dd>
      </dl>
    </section>
  );
}
