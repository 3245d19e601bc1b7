import { isUuid } from './uuid';

export const MAX_KEY_LENGTH = 64;
/** Lower-case letters and digits, in groups that one hyphen separates: safe in URLs and in file names. */
export const KEY_PATTERN = '^[a-z0-9]+(-[a-z0-9]+)*$';
const KEY = new RegExp(KEY_PATTERN);

/** Whether the text can be an audience's key. A UUID cannot: where an audience is named, it would be read as an ID. */
export function isAudienceKey(text: string): boolean {
  return text.length <= MAX_KEY_LENGTH && KEY.test(text) && !isUuid(text);
}

/**
 * The key that a name makes: "Größe & Mehr" becomes "grosse-mehr".
 *
 * @param fallback stands where the name has no letter or digit of that alphabet
 */
export function keyFromName(name: string, fallback: string): string {
  const key = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_KEY_LENGTH)
    .replace(/^-|-$/g, '');
  return isAudienceKey(key) ? key : fallback;
}
