import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { remove } from '../api';
import { toastDone, toastFailure } from '../toasts';
import { Icon } from './icon';

interface DeleteProps {
  readonly kind: 'audiences' | 'decisions' | 'destinations';
  readonly of: { readonly id: string; readonly name: string };
  /** What goes with it, and what stays. */
  readonly question: string;
}

/** Asked twice, in place: what is gone is gone, and a dialog of the browser's own would say less. */
export function Delete({ kind, of: { id, name }, question }: DeleteProps) {
  const { route } = useLocation();
  const [asked, ask] = useState(false);
  const title = `Delete ${kind.slice(0, -1)}`;
  const confirm = async (): Promise<void> => {
    const answer = await remove(`/v1/${kind}/${encodeURIComponent(id)}`);
    if (!answer.ok) return toastFailure(answer);
    toastDone(`“${name}” was deleted.`);
    route(`/console/${kind}`, true);
  };
  if (!asked) {
    return (
      <button type="button" class="button-quiet delete" onClick={() => ask(true)}>
        <Icon name="trash" />
        {title}
      </button>
    );
  }
  return (
    <div class="panel confirm" role="group" aria-label={title}>
      <p>{question}</p>
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
