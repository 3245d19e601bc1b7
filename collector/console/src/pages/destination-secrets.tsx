import { useState } from 'preact/hooks';
import { post, remove } from '../api';
import { Ago } from '../parts/ago';
import { toastDone, toastFailure } from '../toasts';
import type { Destination, MadeSecret } from '../wire-destinations';
import { SecretShown } from './secret-shown';

interface SecretsProps {
  readonly destination: Destination;
  readonly onChange: () => void;
}

/** One signing secret, or two while it is changed. */
export function Secrets({ destination, onChange }: SecretsProps) {
  const [made, setMade] = useState<string | null>(null);
  const { secrets } = destination;
  const path = `/v1/destinations/${encodeURIComponent(destination.id)}/secrets`;
  const add = async (): Promise<void> => {
    const answer = await post<MadeSecret>(path);
    if (!answer.ok) return toastFailure(answer);
    setMade(answer.value.secret);
    onChange();
  };
  const drop = async (id: string): Promise<void> => {
    const answer = await remove(`${path}/${id}`);
    if (!answer.ok) return toastFailure(answer);
    toastDone('Requests are signed with the other secret alone.');
    onChange();
  };
  return (
    <>
      {made !== null && <SecretShown secret={made} />}
      <section class="panel">
        <h2>Signing secrets</h2>
        <ul class="plain">
          {secrets.map(({ id, createdAt }) => (
            <li key={id} class="secret">
              <span>
                made <Ago at={createdAt} />
              </span>
              {secrets.length > 1 && (
                <button type="button" class="button-quiet" onClick={() => drop(id)}>
                  Delete
                </button>
              )}
            </li>
          ))}
        </ul>
        {secrets.length < 2 ? (
          <button type="button" onClick={add}>
            Add another one
          </button>
        ) : (
          <p class="muted">
            Requests carry a signature of each. Delete the old one when the receiver has both.
          </p>
        )}
      </section>
    </>
  );
}
