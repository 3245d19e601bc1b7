import { useState } from 'preact/hooks';
import { postCsv, put } from '../api';
import { counted, wholeNumber } from '../format';
import { Icon } from '../parts/icon';
import { toastDone, toastFailure } from '../toasts';
import type { Audience, Listed } from '../wire';

interface ListProps {
  readonly audience: Audience;
  readonly onChange: () => void;
}

/** Whom a static audience lists: more by hand, by one name or many. */
export function ListPanel({ audience, onChange }: ListProps) {
  const [unknown, setUnknown] = useState<readonly string[]>([]);
  const place = `/v1/audiences/${encodeURIComponent(audience.id)}/members`;
  const addOne = async (name: string): Promise<boolean> => {
    const answer = await put<object>(`${place}/${encodeURIComponent(referenceOf(name))}`);
    if (!answer.ok) toastFailure(answer);
    else {
      toastDone(`${name} is on the list.`);
      onChange();
    }
    return answer.ok;
  };
  const addMany = async (text: string): Promise<boolean> => {
    const answer = await postCsv<Listed>(place, text);
    if (!answer.ok) toastFailure(answer);
    else {
      toastDone(describeListed(answer.value));
      setUnknown(answer.value.unknown);
      onChange();
    }
    return answer.ok;
  };
  return (
    <section class="panel list-panel" aria-labelledby="list-title">
      <h2 id="list-title">Add to the list</h2>
      <AddOne onAdd={addOne} />
      <AddMany onAdd={addMany} />
      <Unknown names={unknown} />
    </section>
  );
}

export function describeListed({ entered, unknownCount }: Listed): string {
  const added = `${counted(entered, 'member')} added`;
  return unknownCount === 0 ? `${added}.` : `${added}; ${wholeNumber(unknownCount)} unknown.`;
}

/** As the API reads a list's entry: what says no kind is an email or a user ID. */
function referenceOf(name: string): string {
  if (/^(user|email|anonymous):|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) return name;
  return name.includes('@') ? `email:${name}` : `user:${name}`;
}

interface AddProps {
  /** @returns whether it was done, and what is written may go */
  readonly onAdd: (text: string) => Promise<boolean>;
}

function AddOne({ onAdd }: AddProps) {
  const [name, setName] = useState('');
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await onAdd(name.trim())) setName('');
  };
  return (
    <form class="add-one" onSubmit={add}>
      <input
        aria-label="User ID or email"
        placeholder="User ID or email"
        required
        pattern=".*\S.*"
        autocomplete="off"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button>
        <Icon name="plus" />
        Add
      </button>
    </form>
  );
}

function AddMany({ onAdd }: AddProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    if (await onAdd(text)) setText('');
    setBusy(false);
  };
  return (
    <details>
      <summary>Add many</summary>
      <form class="form" onSubmit={add}>
        <ListField text={text} onText={setText} />
        <button disabled={busy || text.trim() === ''}>{busy ? 'Adding…' : 'Add all'}</button>
      </form>
    </details>
  );
}

interface ListFieldProps {
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** IDs, one a line, written here or read from a file. */
export function ListField({ text, onText }: ListFieldProps) {
  const read = async (event: { readonly currentTarget: HTMLInputElement }): Promise<void> => {
    const file = event.currentTarget.files?.[0];
    if (file) onText(await file.text());
  };
  return (
    <>
      <label class="field">
        <span>User IDs or emails, one a line, or CSV</span>
        <textarea
          rows={6}
          spellcheck={false}
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>From a file</span>
        <input type="file" accept=".csv,.txt,text/csv,text/plain" onChange={read} />
      </label>
    </>
  );
}

function Unknown({ names }: { readonly names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <div role="status">
      <p>Nobody is known by these names:</p>
      <ul class="plain">
        {names.map((name) => (
          <li key={name}>
            <code>{name}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}
