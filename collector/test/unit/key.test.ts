import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateKey, hasValidChecksum, KEY_RANDOM_BYTES } from '../../src/core/key';

describe('a generated key', () => {
  it('says its kind, has 166 random bits, and is never twice the same', () => {
    const keys = Array.from({ length: 200 }, () => generateKey('secret', randomBytes(KEY_RANDOM_BYTES)));
    expect(keys.every((key) => /^sk_[0-9A-Za-z]{34}$/.test(key))).toBe(true);
    expect(new Set(keys).size).toBe(200);
    expect(generateKey('write', randomBytes(KEY_RANDOM_BYTES))).toMatch(/^pk_/);
  });

  it('tells by its checksum whether it was mistyped', () => {
    const key = generateKey('secret', randomBytes(KEY_RANDOM_BYTES));
    expect(hasValidChecksum(key)).toBe(true);
    expect(hasValidChecksum(`${key.slice(0, 10)}${key[10] === 'x' ? 'y' : 'x'}${key.slice(11)}`)).toBe(false);
  });
});
