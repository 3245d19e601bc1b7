import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { normaliseBatch } from '../../src/core/event';
import { REJECTION_CODES } from '../../src/core/refusal';
import { API_ERRORS, ApiError, errorBody } from '../../src/errors';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'errors.md'), 'utf8');
const core = join(import.meta.dirname, '..', '..', 'src', 'core');

/** The cells of the table below a heading, a row each, without its head. */
function tableUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const codesUnder = (heading: string): string[] =>
  tableUnder(heading).map(([code = '']) => code.replaceAll('`', ''));

/** The warnings that the core can give, out of its text; those with a field in their name by giving them. */
function knownWarnings(): string[] {
  const texts = readdirSync(core).map((file) => readFileSync(join(core, file), 'utf8'));
  const literal = texts.flatMap((text) =>
    [...text.matchAll(/warnings\.(?:add|push)\('(\w+)'\)/g)].map(([, code]) => code!),
  );
  const [result] = normaliseBatch(
    [
      {
        type: 'alias',
        userId: 'undefined',
        anonymousId: 'visitor',
        previousId: '0',
        groupId: 'null',
        traits: { email: 'nobody' },
      },
    ],
    surroundings,
  );
  const [other] = normaliseBatch([{ type: 'page', userId: 'ada', anonymousId: 'guest' }], surroundings);
  const given = [result, other].flatMap((each) => (each?.ok ? each.event.warnings : []));
  return [...new Set([...literal, ...given])].sort();
}

const surroundings = {
  workspaceId: '00000000-0000-4000-8000-000000000000',
  sourceId: '00000000-0000-4000-8000-000000000000',
  receivedAt: Date.UTC(2026, 5, 15),
  sentAt: null,
  oldest: null,
  context: null,
  newMessageId: () => '00000000-0000-4000-8000-000000000001',
};

describe('docs/errors.md', () => {
  it('lists every error of the API with its status, and no other', () => {
    const documented = tableUnder('Errors of a request').map(([code = '', status]) => [
      code.replaceAll('`', ''),
      Number(status),
    ]);
    expect(documented).toEqual(Object.entries(API_ERRORS).map(([code, { status }]) => [code, status]));
  });

  it('lists every code by which an event is refused, and no other', () => {
    expect(codesUnder('Refusals of an event')).toEqual([...REJECTION_CODES]);
  });

  it('lists every warning, and no other', () => {
    const known = knownWarnings();
    expect(known).toContain('junk_previousId');
    expect(known).toContain('invalid_amount');
    expect(codesUnder('Warnings on an event').sort()).toEqual(known);
  });

  it('says of each of them when, or what was done, and what to do', () => {
    const rows = ['Errors of a request', 'Refusals of an event', 'Warnings on an event'].flatMap(tableUnder);
    expect(rows.length).toBeGreaterThan(35);
    for (const row of rows) expect(row.filter((cell) => cell === '')).toEqual([]);
  });
});

describe('an error', () => {
  it('has a status of its own kind and a sentence, unless somebody has said more', () => {
    for (const [code, { status, message }] of Object.entries(API_ERRORS)) {
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(message, code).toMatch(/^[A-Z].*\.$/);
    }
    expect(errorBody(new ApiError('not_found'))).toEqual({
      error: { code: 'not_found', message: API_ERRORS.not_found.message },
    });
    expect(errorBody(new ApiError('invalid_event', 'Too large.', { code: 'too_large' }))).toEqual({
      error: { code: 'invalid_event', message: 'Too large.', detail: { code: 'too_large' } },
    });
  });
});
