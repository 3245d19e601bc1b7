import { type Identifier, normaliseEmail } from './identifier';

/** A field that says who, and its value: a JSON text, or a number as user IDs may be. */
const FIELD = /"(userId|anonymousId|previousId|email)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?)/g;
const KINDS = { userId: 'user', anonymousId: 'anonymous', previousId: 'anonymous', email: 'email' } as const;

/**
 * The identifiers that a refused event seems to carry. What was refused need not be JSON, and is cut: so its text is
 * searched, for the fields that say who wherever they stand. An identifier that is itself cut off is not found.
 *
 * @param payload as it is kept; a line that is no JSON is kept as a text within JSON
 */
export function identifiersIn(payload: string): Identifier[] {
  const text = payload.startsWith('"') ? payload.replaceAll('\\"', '"') : payload;
  return [...text.matchAll(FIELD)].flatMap(([, field, token]) => {
    const kind = KINDS[field as keyof typeof KINDS];
    const given = readToken(token!).trim();
    const value = kind === 'email' ? normaliseEmail(given) : given;
    return value === null || value === '' ? [] : [{ kind, value }];
  });
}

function readToken(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token.replaceAll('"', '');
  }
}
