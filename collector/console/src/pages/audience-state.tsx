import { useEffect, useState } from 'preact/hooks';
import { remove } from '../api';
import { wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { toastDone, toastFailure } from '../toasts';
import type { Audience } from '../wire';

const LOOK_EVERY_MS = 1000;

/** rebuilding: all its members are being found; stale: they are to be; failed: that could not be done last. */
export type AudienceState = 'fresh' | 'stale' | 'rebuilding' | 'failed';

export function stateOf({ state, rebuild, error }: Audience): AudienceState {
  if (rebuild !== null) return 'rebuilding';
  if (error !== null) return 'failed';
  return state === 'building' ? 'stale' : 'fresh';
}

const WORDS = {
  fresh: 'current',
  stale: 'stale',
  rebuilding: 'rebuilding',
  failed: 'rebuild failed',
} as const;

export function StateBadge({ audience }: { readonly audience: Audience }) {
  const state = stateOf(audience);
  return <span class={`badge badge-${state}`}>{WORDS[state]}</span>;
}

interface StateProps {
  readonly audience: Audience;
  readonly onChange: () => void;
}

/** What is not as it should be: that it is being rebuilt, and how far that is, or why it could not be. */
export function StateNotice({ audience, onChange }: StateProps) {
  const state = stateOf(audience);
  const isOngoing = state === 'rebuilding' || state === 'stale';
  useEffect(() => {
    if (!isOngoing) return undefined;
    const timer = setInterval(onChange, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isOngoing, onChange]);
  switch (state) {
    case 'fresh':
      return null;
    case 'failed':
      return (
        <div class="problem" role="alert">
          <Icon name="warning" />
          <p>{audience.error} These are the members of the last good rebuild.</p>
        </div>
      );
    case 'stale':
      return (
        <p class="notice" role="status">
          Stale: all members are to be found anew. These are from before.
        </p>
      );
    case 'rebuilding':
      return <Rebuilding audience={audience} onChange={onChange} />;
  }
}

function Rebuilding({ audience, onChange }: StateProps) {
  const [busy, setBusy] = useState(false);
  const percent = audience.rebuild?.percent ?? null;
  const cancel = async (): Promise<void> => {
    setBusy(true);
    const answer = await remove(`/v1/audiences/${encodeURIComponent(audience.id)}/rebuild`);
    setBusy(false);
    if (answer.ok) toastDone('The rebuild was cancelled; the members stay as they were.');
    // It has ended by itself.
    else if (answer.status !== 404) toastFailure(answer);
    onChange();
  };
  return (
    <div class="notice" role="status">
      <span>
        Rebuilding since <Ago at={audience.rebuild!.startedAt} />
        {percent === null ? '' : `, about ${wholeNumber(percent)} %`}. These are the members from before.
      </span>
      {percent === null ? (
        <progress aria-label="Rebuild" />
      ) : (
        <progress aria-label="Rebuild" value={percent} max={100} />
      )}
      <button type="button" disabled={busy} onClick={cancel}>
        Cancel rebuild
      </button>
    </div>
  );
}
