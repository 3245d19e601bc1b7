import { useState } from 'preact/hooks';
import { post } from '../api';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Screen, Skeleton } from '../parts/screen';
import { usePages } from '../use-answer';
import type { Audience, Failure } from '../wire';
import type { Destination, MadeSecret } from '../wire-destinations';
import { SecretShown } from './secret-shown';

export function NewDestination() {
  const [created, setCreated] = useState<(Destination & MadeSecret) | null>(null);
  if (created) {
    return (
      <Screen
        title={`“${created.name}” is connected`}
        lead={<a href="/console/destinations">Destinations</a>}
      >
        <div class="form">
          <SecretShown secret={created.secret} />
          <div class="actions">
            <a class="button button-main" href={`/console/destinations/${created.id}`}>
              Go on
            </a>
          </div>
        </div>
      </Screen>
    );
  }
  return (
    <Screen title="New destination" lead={<a href="/console/destinations">Destinations</a>}>
      <DestinationForm onCreated={setCreated} />
    </Screen>
  );
}

function DestinationForm({ onCreated }: { readonly onCreated: (made: Destination & MadeSecret) => void }) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    const answer = await post<Destination & MadeSecret>('/v1/destinations', {
      name: textOf(form, 'name'),
      url: textOf(form, 'url'),
      audiences: form.getAll('audience'),
      batchSize: form.has('alone') ? 1 : 500,
      backfill: form.has('backfill'),
    });
    setBusy(false);
    if (answer.ok) onCreated(answer.value);
    else setFailure(answer);
  };
  return (
    <form class="form" onSubmit={create}>
      <label class="field">
        <span>Name</span>
        <input name="name" required maxLength={200} autocomplete="off" placeholder="CRM" />
      </label>
      <label class="field">
        <span>URL</span>
        <input
          name="url"
          type="url"
          required
          maxLength={2000}
          autocomplete="off"
          placeholder="https://hooks.example.com/throughline"
        />
      </label>
      <AudienceChoice />
      <label class="check">
        <input type="checkbox" name="backfill" checked />
        <span>Send those who are members now, too</span>
      </label>
      <label class="check">
        <input type="checkbox" name="alone" />
        <span>Each change in a request of its own, instead of up to 500 together</span>
      </label>
      {failure && <Refused failure={failure} />}
      <div class="actions">
        <button class="button-main" disabled={busy}>
          {busy ? 'Connecting…' : 'Connect'}
        </button>
        <a class="button" href="/console/destinations">
          Cancel
        </a>
      </div>
    </form>
  );
}

function AudienceChoice() {
  const pages = usePages<Audience>('/v1/audiences?limit=100');
  const { items, failure } = pages;
  return (
    <fieldset class="choice">
      <legend>Audiences</legend>
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={2} />}
      {items?.length === 0 && (
        <p class="muted">
          There is none yet. <a href="/console/audiences/new">New audience</a>
        </p>
      )}
      {items?.map(({ id, name }) => (
        <label key={id} class="check">
          <input type="checkbox" name="audience" value={id} />
          <span>{name}</span>
        </label>
      ))}
      <More pages={pages} />
    </fieldset>
  );
}

function Refused({ failure }: { readonly failure: Failure }) {
  const detail = Array.isArray(failure.detail)
    ? (failure.detail as readonly { readonly path: string; readonly message: string }[])
    : [];
  return (
    <div class="problems" role="alert">
      <h2>
        <Icon name="warning" />
        Not connected
      </h2>
      <ul>
        {detail.length === 0 && <li>{failure.message}</li>}
        {detail.map(({ path, message }) => (
          <li key={path}>
            <code>{path.replace(/^body\./, '')}</code> {message}
          </li>
        ))}
      </ul>
    </div>
  );
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
