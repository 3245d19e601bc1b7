import { useState } from 'preact/hooks';
import type { Result } from '../api';
import { Field } from '../parts/field';
import { Refused } from '../parts/refused';
import { SendActions, type SendWords } from '../parts/send-actions';
import { faultsAt } from '../refusal';
import { useSending } from '../use-sending';
import type { Decision } from '../wire-decisions';
import { DecisionCases } from './decision-cases';
import { readDefinition, type WrittenDefinition } from './decision-text';

interface DecisionFormProps {
  readonly name: string;
  readonly start: WrittenDefinition;
  /** Only a new one may be given a key. */
  readonly isNew: boolean;
  readonly words: SendWords;
  readonly back: string;
  readonly send: (written: object) => Promise<Result<Decision>>;
  readonly onSent: (decision: Decision) => void;
}

/** The form of a decision: a new one's first version, or the next one. */
export function DecisionForm({ start, isNew, words, back, ...props }: DecisionFormProps) {
  const [name, setName] = useState(props.name);
  const [key, setKey] = useState('');
  const [written, setWritten] = useState(start);
  const { form, refusal, isBusy, refuse, send } = useSending();
  const write = (changed: Partial<WrittenDefinition>): void => setWritten({ ...written, ...changed });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const read = readDefinition(written);
    if (!read.ok) return refuse(words.refused, read.faults);
    const named = { name: name.trim(), ...(key.trim() === '' ? {} : { key: key.trim() }) };
    const sent = await send(words.refused, () => props.send({ ...named, ...read.value }));
    if (sent !== null) props.onSent(sent);
  };
  return (
    <form class="form" ref={form} onSubmit={submit}>
      <Field
        {...{ name: 'name', label: 'Name', placeholder: 'Checkout', required: true, maxLength: 200 }}
        faults={faultsAt(refusal, ...(isNew ? ['name'] : ['name', 'key']))}
        value={name}
        onText={setName}
      />
      {isNew && (
        <Field
          {...{ name: 'key', label: 'Key', placeholder: 'checkout', maxLength: 100 }}
          hint="What callers name it by; made from the name where it is left out. It stays."
          faults={faultsAt(refusal, 'key')}
          value={key}
          onText={setKey}
        />
      )}
      <DecisionCases cases={written.cases} refusal={refusal} onCases={(cases) => write({ cases })} />
      <Field
        {...{ name: 'timeLimitMs', label: 'Time limit, in milliseconds', type: 'number', required: true }}
        {...{ min: 5, max: 5000, hint: 'Beyond it, the last case answers.' }}
        faults={faultsAt(refusal, 'timeLimitMs')}
        value={written.timeLimitMs}
        onText={(timeLimitMs) => write({ timeLimitMs })}
      />
      <Flags written={written} onWrite={write} />
      <Refused refusal={refusal} places={placesOf(written)} />
      <SendActions {...{ words, isBusy, back }} />
    </form>
  );
}

interface FlagsProps {
  readonly written: WrittenDefinition;
  readonly onWrite: (changed: Partial<WrittenDefinition>) => void;
}

function Flags({ written: { isPublic, isRecorded }, onWrite }: FlagsProps) {
  return (
    <div class="choice">
      <label class="check">
        <input
          type="checkbox"
          checked={isPublic}
          onChange={(event) => onWrite({ isPublic: event.currentTarget.checked })}
        />
        <span>Pages may ask, with a write key and by an anonymous ID</span>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={isRecorded}
          onChange={(event) => onWrite({ isRecorded: event.currentTarget.checked })}
        />
        <span>Answers are recorded on the profile’s timeline</span>
      </label>
    </div>
  );
}

/** The places that have a field; whatever else is refused is about the whole. */
function placesOf({ cases }: WrittenDefinition): string[] {
  const ofCases = cases.flatMap((_, index) => {
    const names = index === cases.length - 1 ? ['key', 'then'] : ['key', 'when', 'then'];
    return names.map((name) => `cases[${index}].${name}`);
  });
  return ['name', 'key', 'timeLimitMs', ...ofCases];
}
