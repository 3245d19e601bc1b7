import { parseInstant } from './clock';
import { isUuid } from './uuid';

/** The place in a list that is ordered by a time and an ID. */
export interface Cursor {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: string;
}

/** An opaque text for a place in a list. */
export function encodeCursor({ at, id }: Cursor): string {
  return Buffer.from(`${new Date(at).toISOString()}/${id}`).toString('base64url');
}

/** The place that the text stands for, or null where it is none of ours. */
export function decodeCursor(text: string): Cursor | null {
  const parts = Buffer.from(text, 'base64url').toString('utf8').split('/');
  const at = parseInstant(parts[0] ?? '');
  const id = parts[1] ?? '';
  return parts.length === 2 && at !== null && isUuid(id) ? { at, id } : null;
}
