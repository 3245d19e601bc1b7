import { useState } from 'preact/hooks';
import type { Result } from '../api';
import { Below, Field } from '../parts/field';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Refused } from '../parts/refused';
import { SendActions, type SendWords } from '../parts/send-actions';
import { Skeleton } from '../parts/screen';
import { type Fault, faultsAt } from '../refusal';
import { usePages } from '../use-answer';
import { useSending } from '../use-sending';
import type { Audience } from '../wire';
import type { Destination } from '../wire-destinations';

export interface WrittenDestination {
  readonly name: string;
  readonly url: string;
  /** Their IDs. */
  readonly audiences: readonly string[];
  readonly batchSize: number;
  /** Of audiences that are new to it. */
  readonly backfill: boolean;
}

interface DestinationFormProps<T> {
  /** The one that is changed; null for a new one. */
  readonly destination: Destination | null;
  readonly words: SendWords;
  readonly back: string;
  readonly send: (written: WrittenDestination) => Promise<Result<T>>;
  readonly onSent: (sent: T) => void;
}

const PLACES = ['name', 'key', 'url', 'audiences', 'batchSize'];
const NOTHING_YET = { name: '', url: '', batchSize: 500, audiences: [] };

/** The form of a destination, for a new one and for one that is changed. */
export function DestinationForm<T>({ destination, words, back, ...props }: DestinationFormProps<T>) {
  const start = destination ?? NOTHING_YET;
  const [name, setName] = useState(start.name);
  const [url, setUrl] = useState(start.url);
  const [batchSize, setBatchSize] = useState(String(start.batchSize));
  const [audiences, setAudiences] = useState<readonly string[]>(start.audiences.map(({ id }) => id));
  const [backfill, setBackfill] = useState(true);
  const { form, refusal, isBusy, send } = useSending();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const written = { name: name.trim(), url: url.trim(), audiences, batchSize: Number(batchSize), backfill };
    const sent = await send(words.refused, () => props.send(written));
    if (sent !== null) props.onSent(sent);
  };
  return (
    <form class="form" ref={form} onSubmit={submit}>
      <Field
        {...{ name: 'name', label: 'Name', placeholder: 'CRM', required: true, maxLength: 200 }}
        faults={faultsAt(refusal, 'name', 'key')}
        value={name}
        onText={setName}
      />
      <Field
        {...{ name: 'url', label: 'URL', type: 'url', required: true, maxLength: 2000 }}
        placeholder="https://hooks.example.com/throughline"
        {...(destination ? { hint: 'With another one, what waits is tried again at once.' } : {})}
        faults={faultsAt(refusal, 'url')}
        value={url}
        onText={setUrl}
      />
      <AudienceChoice
        followed={start.audiences}
        chosen={audiences}
        faults={faultsAt(refusal, 'audiences')}
        onChosen={setAudiences}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={backfill}
          onChange={(event) => setBackfill(event.currentTarget.checked)}
        />
        <span>
          {destination
            ? 'Of audiences that are added, send those who are members now, too'
            : 'Send those who are members now, too'}
        </span>
      </label>
      <Field
        {...{ name: 'batchSize', label: 'Changes in a request, at most', type: 'number', required: true }}
        {...{ min: 1, max: 500, hint: 'Up to 500; 1 sends each change alone.' }}
        faults={faultsAt(refusal, 'batchSize')}
        value={batchSize}
        onText={setBatchSize}
      />
      <Refused refusal={refusal} places={PLACES} />
      <SendActions {...{ words, isBusy, back }} />
    </form>
  );
}

type Named = Pick<Audience, 'id' | 'name'>;

interface AudienceChoiceProps {
  /** What it follows already, also where the list does not reach so far. */
  readonly followed: readonly Named[];
  readonly chosen: readonly string[];
  readonly faults: readonly Fault[];
  readonly onChosen: (ids: readonly string[]) => void;
}

function AudienceChoice({ followed, chosen, faults, onChosen }: AudienceChoiceProps) {
  const pages = usePages<Audience>('/v1/audiences?limit=100');
  const { items, failure } = pages;
  const known = new Set(followed.map(({ id }) => id));
  const all: readonly Named[] = [...followed, ...(items ?? []).filter(({ id }) => !known.has(id))];
  const turn = (id: string, isChosen: boolean): void =>
    onChosen(isChosen ? [...chosen, id] : chosen.filter((each) => each !== id));
  return (
    <fieldset class="choice" aria-describedby={faults.length > 0 ? 'audiences-faults' : undefined}>
      <legend>Audiences</legend>
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={2} />}
      {items && all.length === 0 && (
        <p class="muted">
          There is none yet. <a href="/console/audiences/new">New audience</a>
        </p>
      )}
      {items &&
        all.map(({ id, name }) => (
          <label key={id} class="check">
            <input
              type="checkbox"
              name="audience"
              value={id}
              aria-invalid={faults.length > 0}
              checked={chosen.includes(id)}
              onChange={(event) => turn(id, event.currentTarget.checked)}
            />
            <span>{name}</span>
          </label>
        ))}
      <More pages={pages} />
      <Below name="audiences" faults={faults} />
    </fieldset>
  );
}
