import { hash } from 'node:crypto';

/**
 * The namespace in which foreign message IDs, subjects and order keys become UUIDs. Published and never changed: a
 * change would make a late retry a second event.
 */
export const THROUGHLINE_NAMESPACE = '8f7a3c52-6d1e-5b04-9c2f-1e5d7a90b3c4';

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID in 8-4-4-4-12 form, of any version. */
export function isUuid(text: string): boolean {
  return text.length === 36 && CANONICAL.test(text);
}

/**
 * A name-based UUID, version 5 (RFC 9562, section 5.5).
 *
 * @param namespace a canonical UUID
 * @param name any text, hashed as UTF-8
 */
export function uuidV5(namespace: string, name: string): string {
  const hex = hash('sha1', Buffer.concat([namespaceBytes(namespace), Buffer.from(name)]), 'hex');
  // The version takes the 13th digit, the variant the upper two bits of the 17th.
  const variant = VARIANT_DIGITS[parseInt(hex[16]!, 16) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const VARIANT_DIGITS = '89ab';

/** There is one namespace, so its bytes are made once. */
let lastNamespace = { uuid: '', bytes: Buffer.alloc(0) };
function namespaceBytes(uuid: string): Buffer {
  if (lastNamespace.uuid !== uuid) {
    lastNamespace = { uuid, bytes: Buffer.from(uuid.replaceAll('-', ''), 'hex') };
  }
  return lastNamespace.bytes;
}

/**
 * A time-ordered UUID, version 7 (RFC 9562, section 5.7).
 *
 * @param nowMs milliseconds since 1970
 * @param random 10 random bytes
 */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return format(bytes.toString('hex'));
}

function format(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
