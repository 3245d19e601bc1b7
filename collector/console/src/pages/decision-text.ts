/** A decision's definition as it is written in a form. */
import { type Fault, readJson } from '../refusal';
import type { DecisionVersion } from '../wire-decisions';

export interface WrittenCase {
  /** Tells it from the others while they are moved about. */
  readonly id: number;
  readonly key: string;
  /** JSON, as text; of the last case it is not read. */
  readonly when: string;
  readonly then: string;
}

export interface WrittenDefinition {
  readonly cases: readonly WrittenCase[];
  readonly timeLimitMs: string;
  readonly isPublic: boolean;
  readonly isRecorded: boolean;
}

type Definition = Pick<DecisionVersion, 'cases' | 'timeLimitMs' | 'public' | 'record'>;

/** What the API takes for a definition. */
interface SentDefinition {
  readonly cases: readonly object[];
  readonly timeLimitMs: number;
  readonly public: boolean;
  readonly record: boolean;
}

type ReadDefinition =
  | { readonly ok: true; readonly value: SentDefinition }
  | { readonly ok: false; readonly faults: readonly Fault[] };

const indented = (value: unknown): string => JSON.stringify(value, null, 2);
export const audienceRule = (key: string): string => indented({ audience: key });

const BUYS_MUCH = { trait: '$context.cart.total', gte: 150 };

/** What a new decision begins with: something that works, to be written over. */
export const FIRST_DEFINITION: WrittenDefinition = {
  cases: [
    { id: 0, key: 'premium', when: indented(BUYS_MUCH), then: indented({ page: 'premium' }) },
    { id: 1, key: 'control', when: '', then: indented({ page: 'plain' }) },
  ],
  ...{ timeLimitMs: '250', isPublic: false, isRecorded: false },
};

export function writeDefinition({ cases, timeLimitMs, ...flags }: Definition): WrittenDefinition {
  return {
    cases: cases.map(({ key, when, then }, id) => ({
      ...{ id, key, then: indented(then) },
      when: when === null ? '' : indented(when),
    })),
    timeLimitMs: String(timeLimitMs),
    ...{ isPublic: flags.public, isRecorded: flags.record },
  };
}

/** The new case stands before the default, to which all come that none before it holds for. */
export function addCase(cases: readonly WrittenCase[]): readonly WrittenCase[] {
  const id = 1 + Math.max(...cases.map((each) => each.id));
  const added = { id, key: `case-${cases.length}`, when: audienceRule(''), then: '{}' };
  return [...cases.slice(0, -1), added, cases.at(-1)!];
}

/** Changes places with the one behind it. */
export function swapCases(cases: readonly WrittenCase[], index: number): readonly WrittenCase[] {
  return [...cases.slice(0, index), cases[index + 1]!, cases[index]!, ...cases.slice(index + 2)];
}

/** The audience that is all that a rule asks for; null where it asks for something else. */
export function audienceIn(when: string): string | null {
  const read = readJson(when);
  if (!read.ok || typeof read.value !== 'object' || read.value === null) return null;
  const entries = Object.entries(read.value as Readonly<Record<string, unknown>>);
  const [name, key] = entries[0] ?? [];
  return entries.length === 1 && name === 'audience' && typeof key === 'string' ? key : null;
}

/** Faults are named as the collector names them, e.g. `cases[0].when`. */
export function readDefinition(written: WrittenDefinition): ReadDefinition {
  const faults: Fault[] = [];
  const read = (path: string, text: string): unknown => {
    const json = readJson(text);
    if (json.ok) return json.value;
    faults.push({ path, message: json.message });
    return null;
  };
  const last = written.cases.length - 1;
  const cases = written.cases.map(({ key, when, then }, index) => ({
    ...(key.trim() === '' ? {} : { key: key.trim() }),
    ...(index === last ? {} : { when: read(`cases[${index}].when`, when) }),
    then: read(`cases[${index}].then`, then),
  }));
  if (faults.length > 0) return { ok: false, faults };
  const { timeLimitMs, isPublic, isRecorded } = written;
  const value = { cases, timeLimitMs: Number(timeLimitMs), public: isPublic, record: isRecorded };
  return { ok: true, value };
}
