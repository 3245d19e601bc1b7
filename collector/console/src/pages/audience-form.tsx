import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { post, type Result } from '../api';
import { Field } from '../parts/field';
import { Refused } from '../parts/refused';
import { SendActions, type SendWords } from '../parts/send-actions';
import { faultsAt, readJson } from '../refusal';
import { useSending } from '../use-sending';
import type { Audience, Preview } from '../wire';
import { RuleField } from './rule-field';
import { RulePreview } from './rule-preview';

/** What an audience is to be; without a rule it goes by a list. */
export interface WrittenAudience {
  readonly name: string;
  readonly rule?: unknown;
}

interface AudienceFormProps {
  readonly name: string;
  /** The rule to begin with, as text. */
  readonly rule: string;
  readonly hasRule: boolean;
  readonly words: SendWords;
  /** Where the way out without it leads. */
  readonly back: string;
  readonly send: (written: WrittenAudience) => Promise<Result<Audience>>;
  readonly onSent: (audience: Audience) => void;
  /** Between the name and the rule. */
  readonly children?: ComponentChildren;
}

/** The form of an audience, for a new one and for one that is changed. */
export function AudienceForm({ words, hasRule, back, children, ...props }: AudienceFormProps) {
  const [name, setName] = useState(props.name);
  const [text, setText] = useState(props.rule);
  const [preview, setPreview] = useState<Preview | null>(null);
  const { form, refusal, isBusy, refuse, send } = useSending();

  /** The rule that is written; null where it is no JSON, which is then shown. */
  const readRule = (what: string): { readonly rule?: unknown } | null => {
    if (!hasRule) return {};
    const read = readJson(text);
    if (read.ok) return { rule: read.value };
    refuse(what, [{ path: 'rule', message: read.message }]);
    return null;
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const rule = readRule(words.refused);
    if (rule === null) return;
    const sent = await send(words.refused, () => props.send({ name: name.trim(), ...rule }));
    if (sent !== null) props.onSent(sent);
  };
  const lookAhead = async (): Promise<void> => {
    setPreview(null);
    const rule = readRule('No preview');
    if (rule === null) return;
    setPreview(await send('No preview', () => post<Preview>('/v1/audiences/preview', rule)));
  };
  const write = (written: string): void => {
    setText(written);
    // It was about what stood here before.
    setPreview(null);
  };

  return (
    <form class="form" ref={form} onSubmit={submit}>
      <Field
        {...{ name: 'name', label: 'Name', placeholder: 'Big spenders', required: true, maxLength: 200 }}
        faults={faultsAt(refusal, 'name', 'key')}
        value={name}
        onText={setName}
      />
      {children}
      {hasRule && <RuleField text={text} faults={faultsAt(refusal, 'rule')} onText={write} />}
      {hasRule && preview !== null && <RulePreview preview={preview} />}
      <Refused refusal={refusal} places={hasRule ? ['name', 'key', 'rule'] : ['name', 'key']} />
      <SendActions {...{ words, isBusy, back }}>
        {hasRule && (
          <button type="button" disabled={isBusy} onClick={lookAhead}>
            Preview
          </button>
        )}
      </SendActions>
    </form>
  );
}
