import { isUuid } from './uuid';

/** The columns of a list that say who is meant, best first, and what their values are. */
const COLUMNS = [
  ['profileid', ''],
  ['id', ''],
  ['userid', 'user:'],
  ['email', 'email:'],
  ['anonymousid', 'anonymous:'],
] as const;

/**
 * Reads who a CSV (RFC 4180) lists. With a header that names `profileId`, `id`, `userId`, `email` or `anonymousId` (as
 * the CSV of an audience does; in any case, with `_` or without), of each line the first of these that has a value; else
 * the first cell of each line, and there is no header.
 *
 * @returns references as everywhere: an ID, `user:…`, `email:…` or `anonymous:…`
 */
export function readIdList(text: string): string[] {
  const [first, ...rest] = readRows(text.replace(/^\uFEFF/, ''));
  if (first === undefined) return [];
  const names = first.map((cell) => cell.trim().toLowerCase().replaceAll('_', ''));
  const columns = COLUMNS.flatMap(([name, prefix]) => {
    const at = names.indexOf(name);
    return at === -1 ? [] : [{ at, prefix }];
  });
  if (columns.length === 0) return [first, ...rest].flatMap(([cell]) => referenceOf(cell ?? ''));
  return rest.flatMap((row) => {
    const column = columns.find(({ at }) => (row[at] ?? '').trim() !== '');
    if (column === undefined) return [];
    const value = row[column.at]!.trim();
    return column.prefix === '' ? referenceOf(value) : [column.prefix + value];
  });
}

/** What stands alone is an email where it looks like one, and else a user. */
export function referenceOf(cell: string): string[] {
  const text = cell.trim();
  if (text === '') return [];
  if (isUuid(text) || /^(user|email|anonymous):/.test(text)) return [text];
  return [text.includes('@') ? `email:${text}` : `user:${text}`];
}

/** A cell, quoted or not, and what ends it. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

function readRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length;) {
    CELL.lastIndex = at;
    const match = CELL.exec(text);
    // A quote in the middle of a cell, or one that does not end: the rest of the line is read as it stands.
    const [whole, quoted, plain, end] = match ?? readBroken(text, at);
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    at += whole!.length;
    if (end === ',') {
      if (at >= text.length) row.push('');
      continue;
    }
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

function readBroken(text: string, at: number): readonly (string | undefined)[] {
  const end = text.indexOf('\n', at);
  const whole = end === -1 ? text.slice(at) : text.slice(at, end + 1);
  return [whole, undefined, whole.trim(), '\n'];
}
