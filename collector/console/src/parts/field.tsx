import type { InputHTMLAttributes, TextareaHTMLAttributes } from 'preact';
import type { Fault } from '../refusal';

interface OfField {
  /** Its ID in the page, too. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  /** What was refused of it. */
  readonly faults: readonly Fault[];
  readonly value: string;
  readonly onText: (text: string) => void;
}

type FieldProps = OfField &
  Pick<InputHTMLAttributes, 'required' | 'maxLength' | 'placeholder' | 'min' | 'max'> & {
    readonly type?: 'text' | 'url' | 'number';
  };

/** A line of text, with what was wrong with it. */
export function Field({ label, hint, faults, onText, type = 'text', ...input }: FieldProps) {
  // Preact's types want to know which one it is.
  const typed: object = { type };
  return (
    <div class="field">
      <label for={input.name}>{label}</label>
      <input
        {...input}
        {...typed}
        {...described({ name: input.name, hint, faults })}
        autocomplete="off"
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <Below name={input.name} hint={hint} faults={faults} />
    </div>
  );
}

type JsonFieldProps = OfField & Pick<TextareaHTMLAttributes, 'rows'>;

/** JSON as it is written, with what was wrong with it and where. */
export function JsonField({ label, hint, faults, onText, ...area }: JsonFieldProps) {
  return (
    <div class="field field-json">
      <label for={area.name}>{label}</label>
      <textarea
        {...area}
        {...described({ name: area.name, hint, faults })}
        spellcheck={false}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <Below name={area.name} hint={hint} faults={faults} />
    </div>
  );
}

interface BelowProps {
  readonly name: string;
  readonly hint?: string | undefined;
  readonly faults: readonly Fault[];
}

/** What ties a field to what stands below it. */
export function described({ name, hint, faults }: BelowProps) {
  const isWrong = faults.length > 0;
  const ids = [...(isWrong ? [`${name}-faults`] : []), ...(hint === undefined ? [] : [`${name}-hint`])];
  return {
    id: name,
    'aria-invalid': isWrong,
    ...(ids.length === 0 ? {} : { 'aria-describedby': ids.join(' ') }),
  };
}

export function Below({ name, hint, faults }: BelowProps) {
  return (
    <>
      {faults.length > 0 && (
        <ul class="faults" id={`${name}-faults`}>
          <FaultItems faults={faults} />
        </ul>
      )}
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}

export function FaultItems({ faults }: { readonly faults: readonly Fault[] }) {
  return (
    <>
      {faults.map(({ path, message }) => (
        <li key={`${path} ${message}`}>
          {path !== '' && <code>{path}</code>} {message}
        </li>
      ))}
    </>
  );
}
