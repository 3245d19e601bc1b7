/** A member of an audience as it leaves: one line of CSV or of NDJSON. */
export interface ExportedMember {
  readonly profileId: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly firstSeenAt: Date | null;
  readonly lastSeenAt: Date | null;
  readonly events: number;
  readonly orders: number;
  /** An exact decimal in the workspace's currency. */
  readonly revenue: string;
  readonly enteredAt: Date;
}

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How a file is written: what begins it, and a line for each member. */
export interface ExportWriter {
  readonly contentType: string;
  readonly head: string;
  readonly line: (member: ExportedMember) => string;
}

const COLUMNS = [
  'profileId',
  'userId',
  'email',
  'anonymousId',
  'firstSeenAt',
  'lastSeenAt',
  'events',
  'orders',
  'revenue',
  'enteredAt',
] as const satisfies readonly (keyof ExportedMember)[];

export const EXPORT_WRITERS: Readonly<Record<ExportFormat, ExportWriter>> = {
  csv: { contentType: 'text/csv; charset=utf-8', head: `${COLUMNS.join(',')}\r\n`, line: toCsvLine },
  ndjson: { contentType: 'application/x-ndjson; charset=utf-8', head: '', line: toJsonLine },
};

/** RFC 4180: commas, CRLF, quotes where a cell needs them. A missing value is an empty cell. */
function toCsvLine(member: ExportedMember): string {
  const cells = [
    member.profileId,
    textCell(member.userId),
    textCell(member.email),
    textCell(member.anonymousId),
    member.firstSeenAt?.toISOString() ?? '',
    member.lastSeenAt?.toISOString() ?? '',
    String(member.events),
    String(member.orders),
    member.revenue,
    member.enteredAt.toISOString(),
  ];
  return `${cells.join(',')}\r\n`;
}

/**
 * A cell of text that came from outside. A spreadsheet runs what begins with = + - @, tab or CR as a formula (OWASP,
 * "CSV Injection"); a leading ' makes it text. Our own numbers are written without this, so that they stay numbers.
 */
export function textCell(text: string | null): string {
  if (text === null) return '';
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Every column, in the same order; null where a value is missing. */
function toJsonLine(member: ExportedMember): string {
  return `${JSON.stringify(member, [...COLUMNS])}\n`;
}

/** The file's name from an alphabet that needs no quoting in a header. */
export function exportFileName(audienceKey: string, format: ExportFormat): string {
  const safe = audienceKey.replace(/[^a-z0-9-]/g, '');
  return `${safe === '' ? 'audience' : safe}.${format}`;
}
