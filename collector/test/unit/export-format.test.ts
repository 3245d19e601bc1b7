import { describe, expect, it } from 'vitest';
import type { Column, Row } from '../../src/core/export-column';
import { csvFormat, exportFileName, ndjsonFormat, textCell } from '../../src/core/export-format';

const COLUMNS: readonly Column[] = [
  { name: 'profileId', type: 'text' },
  { name: 'email', type: 'text' },
  { name: 'firstSeenAt', type: 'instant' },
  { name: 'events', type: 'integer' },
  { name: 'revenue', type: 'decimal' },
  { name: 'trait.plan', type: 'json' },
];
const ROW: Row = ['3e1c7d52', null, new Date('2026-06-01T08:00:00.000Z'), 12, '-5.50', '"pro"'];

/** A row of nothing but a value of any kind. */
const ofJson = (json: string): Row => ['', null, null, null, null, json];

describe('a cell of text in CSV', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['ünïcode 北京', 'ünïcode 北京'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['two\r\nlines', '"two\r\nlines"'],
    // What a spreadsheet would run.
    ['=1+1', "'=1+1"],
    ['=cmd|"/c calc"!A1', `"'=cmd|""/c calc""!A1"`],
    ['+4912345', "'+4912345"],
    ['-2+3', "'-2+3"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', `"'\r=1"`],
    ['\n=1', `"'\n=1"`],
    ['＝1+1', "'＝1+1"],
    ['=1,2', `"'=1,2"`],
    // Only the beginning counts.
    ['a=1', 'a=1'],
    ['user@shop.test', 'user@shop.test'],
    ["'quoted", "'quoted"],
  ])('%j is written as %j', (text, cell) => {
    expect(textCell(text)).toBe(cell);
  });
});

describe('a file', () => {
  it('of CSV has a header and ends its lines with CRLF; what is missing is empty, and numbers stay numbers', () => {
    const { head, line } = csvFormat(COLUMNS);
    expect(head).toBe('profileId,email,firstSeenAt,events,revenue,trait.plan\r\n');
    expect(line(ROW)).toBe('3e1c7d52,,2026-06-01T08:00:00.000Z,12,-5.50,pro\r\n');
  });

  it.each([
    ['"=1+1"', "'=1+1"],
    ['-5', '-5'],
    ['12345678901234567890.125', '12345678901234567890.125'],
    ['true', 'true'],
    ['["-a", 1]', '"[""-a"", 1]"'],
    ['{"a": "=1"}', '"{""a"": ""=1""}"'],
    ['"two\\nlines"', '"two\nlines"'],
  ])('of CSV shows what a trait says, %s, as %s', (json, cell) => {
    expect(csvFormat(COLUMNS).line(ofJson(json))).toBe(`,,,,,${cell}\r\n`);
  });

  it('of CSV can begin with a byte order mark, and leave formulas as they are', () => {
    const columns: Column[] = [{ name: 'trait.=a', type: 'json' }];
    expect(csvFormat(columns, { hasBom: true }).head).toBe('\uFEFFtrait.=a\r\n');
    expect(csvFormat([{ name: '=a', type: 'json' }]).head).toBe("'=a\r\n");
    const { line } = csvFormat(columns, { isFormulaSafe: false });
    expect([line(['"=1+1"']), line(['"=1,2"'])]).toEqual(['=1+1\r\n', '"=1,2"\r\n']);
  });

  it('of NDJSON has an object a line, exact', () => {
    const { head, line } = ndjsonFormat(COLUMNS);
    expect(head).toBe('');
    const text = line(['a"\n=1', ...ROW.slice(1, 5), '{"n": 12345678901234567890}']);
    expect(text).toBe(
      '{"profileId":"a\\"\\n=1","email":null,"firstSeenAt":"2026-06-01T08:00:00.000Z","events":12,"revenue":"-5.50","trait.plan":{"n": 12345678901234567890}}\n',
    );
    expect(JSON.parse(line(ofJson('"x"')))).toMatchObject({ profileId: '', 'trait.plan': 'x' });
  });

  it.each([
    ['big-spenders', 'big-spenders.csv'],
    ['a"\r\nset-cookie: x', 'aset-cookiex.csv'],
    ['../../etc/passwd', 'etcpasswd.csv'],
    ['', 'audience.csv'],
  ])('of %j is called %s', (key, name) => {
    expect(exportFileName(key, { format: 'csv' })).toBe(name);
    expect(exportFileName(key, { format: 'csv', isGzip: true })).toBe(`${name}.gz`);
  });
});
