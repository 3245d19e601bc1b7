import { THROUGHLINE_NAMESPACE, uuidV5 } from './uuid';

/** What an identifier is; listed from weak to strong. */
export type IdentifierKind = 'anonymous' | 'email' | 'user';

export interface Identifier {
  readonly kind: IdentifierKind;
  readonly value: string;
}

/** Beyond this many characters an identifier is somebody's mistake and counts as absent. */
export const MAX_IDENTIFIER_LENGTH = 200;

const JUNK = new Set([
  'null',
  'undefined',
  'nan',
  'none',
  '0',
  '-1',
  'anonymous',
  'guest',
  'unknown',
  'true',
  'false',
  '[object object]',
]);
const ONLY_ZEROS_AND_DASHES = /^[0-]*$/;

/**
 * Whether the text identifies nobody: a placeholder that would otherwise glue strangers together.
 *
 * @param text any text; it is trimmed and compared without regard to case
 */
export function isJunkIdentifier(text: string): boolean {
  const trimmed = text.trim();
  return (
    trimmed.length > MAX_IDENTIFIER_LENGTH ||
    ONLY_ZEROS_AND_DASHES.test(trimmed) ||
    JUNK.has(trimmed.toLowerCase())
  );
}

/** The email as it is compared and stored, or null where the text is none. */
export function normaliseEmail(text: string): string | null {
  const email = text.trim().toLowerCase();
  // U+FFFD stands for what could not be stored or decoded: different emails would become one.
  return email.includes('@') && !email.includes('\uFFFD') && !isJunkIdentifier(email) ? email : null;
}

const PREFIX = { user: 'u:', email: 'e:', anonymous: 'a:' } as const;

/**
 * The immutable ID of a subject: UUIDv5 of the workspace, the kind and the value. A pure function, so that the same
 * identifier is the same subject whichever process sees it first.
 */
export function subjectIdOf(workspaceId: string, identifier: Identifier): string {
  const name = `${workspaceId}/${PREFIX[identifier.kind]}${identifier.value}`;
  const known = recent.get(name);
  if (known !== undefined) return known;
  const id = uuidV5(THROUGHLINE_NAMESPACE, name);
  if (recent.size >= MAX_RECENT) recent.clear();
  recent.set(name, id);
  return id;
}

/** A visitor sends many events in a row, and an event asks more than once; hashing takes 20 times as long as looking. */
const recent = new Map<string, string>();
/** Some 6 MB. */
const MAX_RECENT = 20_000;
