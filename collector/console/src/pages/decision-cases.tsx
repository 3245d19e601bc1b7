import { useEffect, useState } from 'preact/hooks';
import { Field, JsonField } from '../parts/field';
import { Icon } from '../parts/icon';
import { faultsAt, type Refusal } from '../refusal';
import { useAnswer } from '../use-answer';
import type { Audience, Page } from '../wire';
import { addCase, audienceIn, audienceRule, swapCases, type WrittenCase } from './decision-text';

interface CasesProps {
  readonly cases: readonly WrittenCase[];
  readonly refusal: Refusal | null;
  readonly onCases: (cases: readonly WrittenCase[]) => void;
}

/** In order, the default last. Whoever moves or adds one goes on from there, by keyboard too. */
export function DecisionCases({ cases, refusal, onCases }: CasesProps) {
  const { value } = useAnswer<Page<Audience>>('/v1/audiences?limit=1000');
  const [next, goTo] = useState<readonly string[]>([]);
  useEffect(() => {
    const found = next.map((id) => document.getElementById(id) as HTMLButtonElement | null);
    found.find((element) => element !== null && !element.disabled)?.focus();
  }, [next]);
  const change = (id: number, changed: Partial<WrittenCase>): void =>
    onCases(cases.map((each) => (each.id === id ? { ...each, ...changed } : each)));
  const move = (index: number, direction: 'up' | 'down'): void => {
    const { id } = cases[index]!;
    onCases(swapCases(cases, direction === 'up' ? index - 1 : index));
    const other = direction === 'up' ? 'down' : 'up';
    goTo([`${direction}-${id}`, `${other}-${id}`]);
  };
  const add = (): void => {
    const added = addCase(cases);
    onCases(added);
    goTo([`case-${added.at(-2)!.id}-key`]);
  };
  const drop = (id: number): void => {
    onCases(cases.filter((each) => each.id !== id));
    goTo(['add-case']);
  };
  const last = cases.length - 1;
  return (
    <fieldset class="case-forms">
      <legend>Cases</legend>
      <p class="hint">
        In order: the first one whose rule holds answers. The last one has none, and answers all others.
      </p>
      {cases.map((each, index) => (
        <CaseForm
          key={each.id}
          of={each}
          place={{ index, last }}
          audiences={value?.data ?? []}
          refusal={refusal}
          onChange={(changed) => change(each.id, changed)}
          onMove={(direction) => move(index, direction)}
          onDrop={() => drop(each.id)}
        />
      ))}
      <button type="button" id="add-case" onClick={add}>
        <Icon name="plus" />
        Add a case
      </button>
    </fieldset>
  );
}

interface CaseFormProps {
  readonly of: WrittenCase;
  readonly place: { readonly index: number; readonly last: number };
  readonly audiences: readonly Audience[];
  readonly refusal: Refusal | null;
  readonly onChange: (changed: Partial<WrittenCase>) => void;
  readonly onMove: (direction: 'up' | 'down') => void;
  readonly onDrop: () => void;
}

function CaseForm({ of, place: { index, last }, refusal, onChange, ...props }: CaseFormProps) {
  const isDefault = index === last;
  const title = isDefault ? 'Otherwise' : `Case ${index + 1}`;
  const field = (name: 'key' | 'when' | 'then') => ({
    name: `case-${of.id}-${name}`,
    faults: faultsAt(refusal, `cases[${index}].${name}`),
    value: of[name],
    onText: (text: string) => onChange({ [name]: text }),
  });
  return (
    <div class="panel case-form" role="group" aria-label={title}>
      <div class="case-head">
        <h3>{title}</h3>
        {!isDefault && (
          <CaseMoves
            title={title}
            id={of.id}
            index={index}
            last={last}
            onMove={props.onMove}
            onDrop={props.onDrop}
          />
        )}
      </div>
      <Field
        {...field('key')}
        label="Name"
        placeholder={isDefault ? 'default' : `case-${index + 1}`}
        maxLength={100}
      />
      <div class="case-parts">
        {!isDefault && (
          <div class="case-when">
            <AudienceSelect
              id={`case-${of.id}-audience`}
              when={of.when}
              audiences={props.audiences}
              onWhen={(when) => onChange({ when })}
            />
            <JsonField {...field('when')} label="Rule, as JSON" rows={rowsFor(of.when, 6)} />
          </div>
        )}
        <JsonField {...field('then')} label="Payload, as JSON" rows={rowsFor(of.then, isDefault ? 4 : 6)} />
      </div>
    </div>
  );
}

const MOST_ROWS = 24;

/** All of it is seen, up to a bound. */
function rowsFor(text: string, least: number): number {
  return Math.min(MOST_ROWS, Math.max(least, text.split('\n').length + 1));
}

interface CaseMovesProps extends Pick<CaseFormProps, 'onMove' | 'onDrop'> {
  readonly title: string;
  readonly id: number;
  readonly index: number;
  readonly last: number;
}

function CaseMoves({ title, id, index, last, onMove, onDrop }: CaseMovesProps) {
  return (
    <div class="actions">
      <button
        type="button"
        class="button-quiet"
        id={`up-${id}`}
        aria-label={`Move ${title} up`}
        disabled={index === 0}
        onClick={() => onMove('up')}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        class="button-quiet"
        id={`down-${id}`}
        aria-label={`Move ${title} down`}
        disabled={index === last - 1}
        onClick={() => onMove('down')}
      >
        <Icon name="down" />
      </button>
      <button type="button" class="button-quiet" aria-label={`Remove ${title}`} onClick={onDrop}>
        <Icon name="trash" />
      </button>
    </div>
  );
}

interface AudienceSelectProps {
  readonly id: string;
  readonly when: string;
  readonly audiences: readonly Audience[];
  readonly onWhen: (when: string) => void;
}

/** Most cases are for an audience: its rule need not be written. */
function AudienceSelect({ id, when, audiences, onWhen }: AudienceSelectProps) {
  const named = audienceIn(when);
  const isKnown = audiences.some(({ key }) => key === named);
  return (
    <div class="field">
      <label for={id}>For the members of</label>
      <select
        id={id}
        value={isKnown ? named! : ''}
        onChange={({ currentTarget: { value } }) => value !== '' && onWhen(audienceRule(value))}
      >
        <option value="">{named === null || isKnown ? 'whomever the rule says' : 'an audience…'}</option>
        {audiences.map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
