import { type Identifier, isJunkIdentifier, normaliseEmail } from './identifier';
import { isExactNumber, isObject, isStorableText, type JsonObject } from './json-value';
import { Refused } from './refusal';

/** Who an event is about. */
export interface Who {
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly previousId: string | null;
  /** The strongest first. */
  readonly identifiers: readonly Identifier[];
}

/** What of an event says who it is about. */
interface Given {
  readonly type: string;
  readonly values: { readonly traits: JsonObject | null; readonly context: JsonObject | null };
  readonly warnings: Set<string>;
}

/** @throws Refused no_identity, invalid_identifier */
export function readIdentity(item: JsonObject, { type, values, warnings }: Given): Who {
  const read = (field: 'userId' | 'anonymousId' | 'previousId') =>
    readIdentifierText(item[field], { field, warnings });
  const userId = read('userId');
  const email = readEmail({ type, values, warnings });
  const anonymousId = read('anonymousId');
  const previousId = type === 'alias' ? read('previousId') : null;
  const identifiers: Identifier[] = [];
  if (userId !== null) identifiers.push({ kind: 'user', value: userId });
  if (email !== null) identifiers.push({ kind: 'email', value: email });
  if (anonymousId !== null) identifiers.push({ kind: 'anonymous', value: anonymousId });
  // An alias' previous ID is read as an anonymous one: it names the past of whoever it aliases.
  if (previousId !== null && previousId !== anonymousId) {
    identifiers.push({ kind: 'anonymous', value: previousId });
  }
  if (identifiers.length === 0) {
    throw new Refused('no_identity', 'An event needs a userId, an email in its traits, or an anonymousId.');
  }
  return { userId, email, anonymousId, previousId, identifiers };
}

/** An identifier as it is compared, or null where there is none that identifies anybody. @throws Refused invalid_identifier */
export function readIdentifierText(
  given: unknown,
  { field, warnings }: { field: string; warnings: Set<string> },
): string | null {
  if (given === undefined || given === null || given === '') return null;
  if (typeof given !== 'string' && typeof given !== 'number') {
    throw new Refused('invalid_identifier', `${field} must be a text.`);
  }
  // Two users whose numbers are beyond 2^53 would become one.
  if (typeof given === 'number' && !isExactNumber(given)) {
    throw new Refused('invalid_identifier', `${field} must be a text: the number is not exact in JSON.`);
  }
  const text = String(given).trim();
  if (!isStorableText(text)) {
    throw new Refused('invalid_identifier', `${field} must not contain NUL or lone surrogates.`);
  }
  if (!isJunkIdentifier(text)) return text;
  warnings.add(`junk_${field}`);
  return null;
}

/** A group call's traits are about the group, not about who called. */
function readEmail({ type, values, warnings }: Given): string | null {
  const contextTraits = values.context?.['traits'];
  const candidates = [
    type === 'group' ? undefined : values.traits?.['email'],
    isObject(contextTraits) ? contextTraits['email'] : undefined,
  ];
  for (const candidate of candidates) {
    if (typeof candidate !== 'string' || candidate === '') continue;
    const email = normaliseEmail(candidate);
    if (email !== null) return email;
    warnings.add('junk_email');
  }
  return null;
}
