import { toStorableText } from './json-value';

/**
 * The beginning of a value's JSON. Only so much of the value is visited as is shown, whatever its size, and however
 * deep it is: each level shows at least a bracket. (JSON.stringify exhausts the stack on the deepest.)
 *
 * @param maxLength in characters
 */
export function excerptOf(value: unknown, maxLength: number): string {
  let text = '';

  function write(part: unknown): void {
    if (typeof part !== 'object' || part === null) {
      // A text is cut before it is quoted: it may be as large as a body.
      text += JSON.stringify(typeof part === 'string' ? part.slice(0, maxLength) : part) ?? 'null';
      return;
    }
    const isArray = Array.isArray(part);
    text += isArray ? '[' : '{';
    let separator = '';
    for (const key in part) {
      if (text.length >= maxLength) return;
      const item = (part as Record<string, unknown>)[key];
      if (item === undefined) continue;
      text += isArray ? separator : `${separator}${JSON.stringify(key.slice(0, maxLength))}:`;
      separator = ',';
      write(item);
    }
    text += isArray ? ']' : '}';
  }

  write(value);
  return toStorableText(text.slice(0, maxLength));
}
