import { describe, expect, it } from 'vitest';
import { EXPORT_WRITERS, type ExportedMember, exportFileName, textCell } from '../../src/core/export-format';

const MEMBER: ExportedMember = {
  profileId: '3e1c7d52-90a4-5f6b-8c2d-7e9f0a1b2c3d',
  userId: 'user-1',
  email: null,
  anonymousId: 'device-1',
  firstSeenAt: new Date('2026-06-01T08:00:00.000Z'),
  lastSeenAt: new Date('2026-06-15T11:59:59.999Z'),
  events: 12,
  orders: 2,
  revenue: '-5.50',
  enteredAt: new Date('2026-06-15T12:00:00.000Z'),
};

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
    ['=1,2', `"'=1,2"`],
    // Only the beginning counts.
    ['a=1', 'a=1'],
    ['user@shop.test', 'user@shop.test'],
    ["'quoted", "'quoted"],
  ])('%j is written as %j', (text, cell) => {
    expect(textCell(text)).toBe(cell);
  });

  it('that is missing is empty', () => {
    expect(textCell(null)).toBe('');
  });
});

describe('an export', () => {
  it('as CSV has a header and ends its lines with CRLF; numbers stay numbers', () => {
    const { head, line, contentType } = EXPORT_WRITERS.csv;
    expect(contentType).toBe('text/csv; charset=utf-8');
    expect(head).toBe(
      'profileId,userId,email,anonymousId,firstSeenAt,lastSeenAt,events,orders,revenue,enteredAt\r\n',
    );
    expect(line(MEMBER)).toBe(
      '3e1c7d52-90a4-5f6b-8c2d-7e9f0a1b2c3d,user-1,,device-1,2026-06-01T08:00:00.000Z,' +
        '2026-06-15T11:59:59.999Z,12,2,-5.50,2026-06-15T12:00:00.000Z\r\n',
    );
  });

  it('as NDJSON has an object a line, revenue as an exact text', () => {
    const { head, line } = EXPORT_WRITERS.ndjson;
    const text = line({ ...MEMBER, firstSeenAt: null, userId: '=1\n2' });
    expect(head).toBe('');
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(JSON.parse(text)).toEqual({
      ...MEMBER,
      userId: '=1\n2',
      firstSeenAt: null,
      lastSeenAt: '2026-06-15T11:59:59.999Z',
      enteredAt: '2026-06-15T12:00:00.000Z',
    });
  });

  it.each([
    ['big-spenders', 'big-spenders.csv'],
    ['a"\r\nset-cookie: x', 'aset-cookiex.csv'],
    ['../../etc/passwd', 'etcpasswd.csv'],
    ['', 'audience.csv'],
  ])('of %j is called %s', (key, name) => {
    expect(exportFileName(key, 'csv')).toBe(name);
  });
});
