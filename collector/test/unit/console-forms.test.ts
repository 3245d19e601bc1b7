import { describe, expect, test } from 'vitest';
import {
  addCase,
  audienceIn,
  FIRST_DEFINITION,
  readDefinition,
  swapCases,
  writeDefinition,
} from '../../console/src/pages/decision-text';
import { faultsAt, faultsElsewhere, faultsOf, readJson } from '../../console/src/refusal';

const REFUSED = { ok: false, status: 400, code: 'invalid_rule', message: 'The rule is not valid.' } as const;

describe('what is refused', () => {
  test('is shown by its paths, or by its message where there are none', () => {
    const detail = [{ path: 'rule.all[1].gte', message: 'must be a number' }];
    expect(faultsOf({ ...REFUSED, detail })).toEqual(detail);
    expect(faultsOf(REFUSED)).toEqual([{ path: '', message: 'The rule is not valid.' }]);
    expect(faultsOf({ ...REFUSED, detail: [{ path: 'body.url', message: 'must be https' }] })).toEqual([
      { path: 'url', message: 'must be https' },
    ]);
    expect(faultsOf({ ...REFUSED, code: 'key_taken', message: 'Taken.' })).toEqual([
      { path: 'key', message: 'Taken.' },
    ]);
  });

  test('stands with the field that it is about, and what no field has stands by itself', () => {
    const faults = ['cases[1].when.gte', 'cases[1].when', 'cases[10].when', 'cases', ''].map((path) => ({
      ...{ path, message: path },
    }));
    const refusal = { what: 'Not saved', faults };
    expect(faultsAt(refusal, 'cases[1].when')).toEqual([
      { path: 'cases[1].when.gte', message: 'cases[1].when.gte' },
      { path: '', message: 'cases[1].when' },
    ]);
    expect(faultsElsewhere(refusal, ['cases[1].when', 'cases[10].when'])).toEqual([
      { path: 'cases', message: 'cases' },
      { path: '', message: '' },
    ]);
    expect(faultsAt(null, 'name')).toEqual([]);
  });

  test('is what is not JSON, before it is sent', () => {
    expect(readJson('{"event": ')).toMatchObject({ ok: false, message: /not JSON/ });
  });
});

describe('a decision that is written', () => {
  test('is read as the API takes it, the last case without a rule, and written back the same', () => {
    const read = readDefinition(FIRST_DEFINITION);
    const cases = [
      { key: 'premium', when: { trait: '$context.cart.total', gte: 150 }, then: { page: 'premium' } },
      { key: 'control', then: { page: 'plain' } },
    ];
    const rest = { timeLimitMs: 250, public: false, record: false };
    expect(read).toEqual({ ok: true, value: { cases, ...rest } });
    const stored = cases.map((each) => ({ when: null, ...each, sentence: '' }));
    expect(writeDefinition({ cases: stored, ...rest })).toEqual(FIRST_DEFINITION);
  });

  test('names each text that is not JSON by its path', () => {
    const cases = FIRST_DEFINITION.cases.map((each) => ({ ...each, when: '{', then: '' }));
    const read = readDefinition({ ...FIRST_DEFINITION, cases });
    expect(read.ok ? [] : read.faults.map(({ path }) => path)).toEqual([
      ...['cases[0].when', 'cases[0].then', 'cases[1].then'],
    ]);
  });

  test('takes a case in before the default, and lets two change places', () => {
    const added = addCase(FIRST_DEFINITION.cases);
    expect(added.map(({ id, key }) => [id, key])).toEqual([
      [0, 'premium'],
      [2, 'case-2'],
      [1, 'control'],
    ]);
    expect(swapCases(added, 0).map(({ key }) => key)).toEqual(['case-2', 'premium', 'control']);
  });

  test('names an audience where its rule asks for nothing else', () => {
    expect(audienceIn('{"audience":"vip"}')).toBe('vip');
    expect(audienceIn('{"audience":"vip","not":{}}')).toBeNull();
    expect(audienceIn('{"audience":')).toBeNull();
    expect(audienceIn('[]')).toBeNull();
  });
});
