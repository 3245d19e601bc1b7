import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { post } from '../api';
import { counted, shortMoment, wholeNumber } from '../format';
import { now } from '../now';
import { Ago } from '../parts/ago';
import { Delete } from '../parts/delete';
import { Icon } from '../parts/icon';
import { JsonView } from '../parts/json-view';
import { Screen } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import { useById } from '../use-by-id';
import type { Audience as AudienceAnswer, Rebuild } from '../wire';
import { Changes } from './audience-changes';
import { ListPanel } from './audience-list';
import { References } from './audience-references';
import { SizeChart } from './audience-size';
import { StateBadge, StateNotice } from './audience-state';
import { Members } from './members';

/** What takes longer is shown as it runs. */
const LOOK_AFTER_MS = 400;

export function Audience() {
  const { value: audience, reload, instead } = useById<AudienceAnswer>('audiences');
  return audience === undefined ? <>{instead}</> : <Known audience={audience} onChange={reload} />;
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
      <StateNotice audience={audience} onChange={onChange} />
      <Figures audience={audience} />
      <div class="columns">
        <div class="facts-column">
          {audience.kind === 'static' ? (
            <ListPanel audience={audience} onChange={onChange} />
          ) : (
            <section class="panel">
              <h2>Rule</h2>
              <JsonView value={audience.rule} label="rule" />
            </section>
          )}
          <References audience={audience} />
          <Changes audience={audience} onChange={onChange} />
          <Delete
            kind="audiences"
            of={audience}
            question={`Delete “${audience.name}” and its list of members? The profiles themselves stay.`}
          />
        </div>
        <div class="facts-column">
          <SizeChart audience={audience} />
          <Members audience={audience} onChange={onChange} />
        </div>
      </div>
    </Screen>
  );
}

function Figures({ audience }: { readonly audience: AudienceAnswer }) {
  const { size, kind, rebuiltAt, createdAt, nextCheckAt, checkedAt, drift } = audience;
  return (
    <dl class="figures">
      <Figure title="Members">{wholeNumber(size)}</Figure>
      <Figure title="State">
        <StateBadge audience={audience} />
      </Figure>
      <Figure title="Kind">{kind === 'static' ? 'list' : 'rule'}</Figure>
      <Figure title="Rebuilt">{rebuiltAt ? <Ago at={rebuiltAt} /> : 'never'}</Figure>
      {nextCheckAt && <Figure title="Next change by time">{shortMoment(nextCheckAt, now.value)}</Figure>}
      {checkedAt && drift !== null && <Figure title="Wrong at the last count">{wholeNumber(drift)}</Figure>}
      <Figure title="Created">
        <Ago at={createdAt} />
      </Figure>
    </dl>
  );
}

function Figure({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Actions({ audience, onChange }: KnownProps) {
  const [busy, setBusy] = useState(false);
  const exportPath = `/v1/audiences/${encodeURIComponent(audience.id)}/export`;
  const rebuild = async (): Promise<void> => {
    setBusy(true);
    // It is shown as it runs.
    const looking = setTimeout(onChange, LOOK_AFTER_MS);
    const answer = await post<Rebuild>(`/v1/audiences/${encodeURIComponent(audience.id)}/rebuild`);
    clearTimeout(looking);
    setBusy(false);
    onChange();
    // Whoever cancelled it was told.
    if (!answer.ok) return answer.code === 'rebuild_cancelled' ? undefined : toastFailure(answer);
    const { size, entered, exited } = answer.value;
    toastDone(
      `Rebuilt: ${counted(size, 'member')}, ${wholeNumber(entered)} entered, ${wholeNumber(exited)} left.`,
    );
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
      <a class="button" href={`${exportPath}?format=parquet`} download>
        <Icon name="download" />
        Parquet
      </a>
      <a class="button" href={`/console/audiences/${audience.id}/edit`}>
        <Icon name="edit" />
        Edit
      </a>
      {audience.kind === 'rule' && (
        <button
          type="button"
          class="button-main"
          disabled={busy || audience.rebuild !== null}
          onClick={rebuild}
        >
          <Icon name="refresh" />
          {busy ? 'Rebuilding…' : 'Rebuild'}
        </button>
      )}
    </>
  );
}
