import { type Envelope, MAX_EVENT_BYTES, type Normalised, normaliseBatch } from './event';
import type { Line } from './line-splitter';
import type { Rejection } from './refusal';
import { THROUGHLINE_NAMESPACE, uuidV5 } from './uuid';

/** Four times an event's own bound: room for spaces, and for text written as \uXXXX. */
export const MAX_LINE_BYTES = 4 * MAX_EVENT_BYTES;

/** What stands in a line, and what it became. */
export interface ImportedLine {
  readonly number: number;
  /** The event; of a line that is none, its text. */
  readonly item: unknown;
  readonly normalised: Normalised;
}

/** What all lines of an import share; their times are their own. */
export type ImportEnvelope = Pick<Envelope, 'workspaceId' | 'sourceId' | 'receivedAt'>;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder('utf-8');

/** Turns a line of an import into an event or a refusal. */
export function readImportLine({ number, bytes, isTooLong }: Line, envelope: ImportEnvelope): ImportedLine {
  const refuse = (code: Rejection['code'], message: string): ImportedLine => ({
    number,
    item: lossy.decode(bytes),
    normalised: { ok: false, rejection: { code, message, messageId: null } },
  });
  if (isTooLong) return refuse('too_large', `A line may have at most ${MAX_LINE_BYTES} bytes.`);
  const text = decode(bytes);
  if (text === null) return refuse('invalid_json', 'The line is not valid UTF-8.');
  const item = parse(text);
  // What the parser says quotes the line, which is kept beside this.
  if (item === undefined) return refuse('invalid_json', 'The line is not valid JSON.');
  const [normalised] = normaliseBatch([item], {
    ...envelope,
    ...{ sentAt: null, oldest: null, context: null },
    areUnrelated: true,
    newMessageId: () => messageIdOf(text),
  });
  return { number, item, normalised: normalised! };
}

/**
 * An event without an ID gets one that is made of its line, so that sending the file again is harmless; two lines that
 * are equal byte for byte are therefore one event. Part of the published contract, as the namespace is.
 */
function messageIdOf(line: string): string {
  return uuidV5(THROUGHLINE_NAMESPACE, `line:${line}`);
}

function decode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** undefined, which no JSON says, where the text is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
