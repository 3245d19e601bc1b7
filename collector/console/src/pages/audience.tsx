import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { post, remove } from '../api';
import { counted, wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { JsonView } from '../parts/json-view';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import { useAnswer } from '../use-answer';
import type { Audience as AudienceAnswer, Rebuild } from '../wire';
import { Members } from './members';

export function Audience() {
  const id = useRoute().params['id'] ?? '';
  const {
    value: audience,
    failure,
    reload,
  } = useAnswer<AudienceAnswer>(`/v1/audiences/${encodeURIComponent(id)}`);
  if (audience) return <Known audience={audience} onChange={reload} />;
  if (failure?.status === 404) {
    return (
      <Screen title="Audience">
        <Empty title="There is no such audience">
          <p>
            Perhaps it was deleted. <a href="/console/audiences">All audiences</a>
          </p>
        </Empty>
      </Screen>
    );
  }
  return (
    <Screen title="Audience">
      {failure ? <Problem failure={failure} onRetry={reload} /> : <Skeleton rows={6} />}
    </Screen>
  );
}

interface KnownProps {
  readonly audience: AudienceAnswer;
  readonly onChange: () => void;
}

function Known({ audience, onChange }: KnownProps) {
  return (
    <Screen
      title={audience.name}
      lead={
        <>
          <a href="/console/audiences">Audiences</a>
          <span class="parted">
            <code>{audience.key}</code>
          </span>
        </>
      }
      actions={<Actions audience={audience} onChange={onChange} />}
    >
      {audience.error !== null && (
        <div class="problem" role="alert">
          <Icon name="warning" />
          <p>The last rebuild failed: {audience.error}. These are the members of the last good one.</p>
        </div>
      )}
      <dl class="figures">
        <div>
          <dt>Members</dt>
          <dd>{wholeNumber(audience.size)}</dd>
        </div>
        <div>
          <dt>Rebuilt</dt>
          <dd>{audience.rebuiltAt ? <Ago at={audience.rebuiltAt} /> : 'never'}</dd>
        </div>
        <div>
          <dt>Created</dt>
          <dd>
            <Ago at={audience.createdAt} />
          </dd>
        </div>
      </dl>
      <div class="columns">
        <div class="facts-column">
          <section class="panel">
            <h2>Rule</h2>
            <JsonView value={audience.rule} label="rule" />
          </section>
          <Delete audience={audience} />
        </div>
        <Members audience={audience} />
      </div>
    </Screen>
  );
}

function Actions({ audience, onChange }: KnownProps) {
  const [busy, setBusy] = useState(false);
  const exportPath = `/v1/audiences/${encodeURIComponent(audience.id)}/export`;
  const rebuild = async (): Promise<void> => {
    setBusy(true);
    const answer = await post<Rebuild>(`/v1/audiences/${encodeURIComponent(audience.id)}/rebuild`);
    setBusy(false);
    if (!answer.ok) return toastFailure(answer);
    const { size, entered, exited } = answer.value;
    toastDone(
      `Rebuilt: ${counted(size, 'member')}, ${wholeNumber(entered)} entered, ${wholeNumber(exited)} left.`,
    );
    onChange();
  };
  return (
    <>
      <a class="button" href={`${exportPath}?format=csv`} download>
        <Icon name="download" />
        Download CSV
      </a>
      <a class="button" href={`${exportPath}?format=ndjson`} download>
        <Icon name="download" />
        NDJSON
      </a>
      <button type="button" class="button-main" disabled={busy} onClick={rebuild}>
        <Icon name="refresh" />
        {busy ? 'Rebuilding…' : 'Rebuild'}
      </button>
    </>
  );
}

/** Asked twice, in place: what is gone is gone, and a dialog of the browser's own would say less. */
function Delete({ audience }: { readonly audience: AudienceAnswer }) {
  const { route } = useLocation();
  const [asked, ask] = useState(false);
  const confirm = async (): Promise<void> => {
    const answer = await remove(`/v1/audiences/${encodeURIComponent(audience.id)}`);
    if (!answer.ok) return toastFailure(answer);
    toastDone(`“${audience.name}” was deleted.`);
    route('/console/audiences', true);
  };
  if (!asked) {
    return (
      <button type="button" class="button-quiet delete" onClick={() => ask(true)}>
        <Icon name="trash" />
        Delete audience
      </button>
    );
  }
  return (
    <div class="panel confirm" role="group" aria-label="Delete audience">
      <p>Delete “{audience.name}” and its list of members? The profiles themselves stay.</p>
      <div class="actions">
        <button type="button" class="button-danger" onClick={confirm}>
          Delete
        </button>
        <button type="button" onClick={() => ask(false)}>
          Keep
        </button>
      </div>
    </div>
  );
}
