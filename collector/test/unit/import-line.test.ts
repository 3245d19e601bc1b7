import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, readImportLine } from '../../src/core/import-line';
import { createLineSplitter } from '../../src/core/line-splitter';

const receivedAt = Date.UTC(2026, 5, 15);
const envelope = {
  workspaceId: '00000000-0000-4000-8000-000000000000',
  sourceId: '00000000-0000-0000-0000-000000000000',
  receivedAt,
};

function read(file: string | Uint8Array) {
  const splitter = createLineSplitter(MAX_LINE_BYTES);
  const lines = [...splitter.push(Buffer.from(file)), ...splitter.end()];
  return lines.map((line) => readImportLine(line, envelope));
}
const eventsOf = (file: string) =>
  read(file).map(({ normalised }) => (normalised.ok ? normalised.event : normalised.rejection));
const idsOf = (file: string) => eventsOf(file).map(({ messageId }) => messageId);

const visit = '{"type":"page","anonymousId":"visitor"}';

describe('an event without a messageId', () => {
  it('gets one of its line: the same each time, whatever ends the line and wherever it stands', () => {
    const [id] = idsOf(visit);
    // UUIDv5 of "line:" and the line, worked out elsewhere (Python's uuid.uuid5): it never changes.
    expect(id).toBe('887cf00d-eb51-5f43-9cd6-a82675c97827');
    expect(idsOf(`\ufeff${visit}\r\n\n${visit}\n`)).toEqual([id, id]);
  });

  it('is another one when a single byte of the line is', () => {
    expect(new Set(idsOf(`${visit}\n ${visit}\n${visit.replace('visitor', 'Visitor')}`)).size).toBe(3);
  });

  it('is one whose messageId is null, too', () => {
    const line = '{"type":"page","anonymousId":"visitor","messageId":null}';
    expect(idsOf(line)).toEqual(['ed0efd16-2035-5f64-a3e4-e43fbf138063']);
  });
});

describe('an event with a messageId', () => {
  it('keeps it', () => {
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    expect(idsOf(`{"type":"page","anonymousId":"visitor","messageId":"${id}"}`)).toEqual([id]);
  });
});

describe('the time of a line', () => {
  const at = (timestamp: string) => `{"type":"page","anonymousId":"visitor","timestamp":"${timestamp}"}`;

  it('may lie years back', () => {
    expect(eventsOf(at('2011-03-04T05:06:07.089Z'))).toMatchObject([
      { occurredAt: Date.UTC(2011, 2, 4, 5, 6, 7, 89), warnings: [] },
    ]);
  });

  it('that lies in the future is moved to now, and moves no other line', () => {
    const past = '2026-01-01T00:00:00.000Z';
    expect(eventsOf(`${at('2036-01-01T00:00:00.000Z')}\n${at(past)}`)).toMatchObject([
      { occurredAt: receivedAt, warnings: ['timestamp_clamped'] },
      { occurredAt: Date.parse(past), warnings: [] },
    ]);
  });
});

describe('a line that is no event', () => {
  it.each([
    ['{"type":', 'invalid_json', 'not valid JSON'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'invalid_json', 'not valid UTF-8'],
    [
      `{"type":"page","name":"${'x'.repeat(MAX_LINE_BYTES)}"}`,
      'too_large',
      'A line may have at most 131072 bytes',
    ],
    ['[]', 'invalid_event', 'JSON object'],
    ['"text"', 'invalid_event', 'JSON object'],
    ['{"type":"page"}', 'no_identity', ''],
    [`${'['.repeat(60_000)}`, 'invalid_json', 'not valid JSON'],
    ['{"__proto__":{"type":"page","userId":"ada"}}', 'invalid_type', 'type must be'],
  ])('is of kind %#, is refused with its reason', (line, code, message) => {
    const [only, ...others] = read(line);
    expect(others).toEqual([]);
    expect(only!.normalised).toMatchObject({
      ok: false,
      rejection: { code, message: expect.stringContaining(message) },
    });
  });

  it('leaves the lines around it alone, each with its number', () => {
    const lines = read(`${visit}\nnonsense\n\n${visit}`);
    expect(lines.map(({ number, normalised }) => [number, normalised.ok])).toEqual([
      [1, true],
      [2, false],
      [4, true],
    ]);
  });
});
