const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * The value of a JSON text in UTF-8, a byte order mark allowed. UTF-8 is decoded strictly, because Node's default
 * replaces what is wrong in silence; of a key that stands twice in an object the last one counts, as in JavaScript.
 * Everything that a sender has written as JSON is parsed here, and only once.
 *
 * @throws TypeError, SyntaxError; what they say quotes the text
 */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes)) as unknown;
}
