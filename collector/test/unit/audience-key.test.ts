import { describe, expect, it } from 'vitest';
import { isAudienceKey, keyFromName, MAX_KEY_LENGTH } from '../../src/core/audience-key';

describe('the key of an audience', () => {
  it.each([
    ['Big spenders', 'big-spenders'],
    ['  Größe & Mehr!  ', 'grosse-mehr'],
    ['Café № 5', 'cafe-no-5'],
    ['100%', '100'],
    ['北京', 'fallback'],
    ['---', 'fallback'],
    ['0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b', 'fallback'],
    [`${'a'.repeat(MAX_KEY_LENGTH - 1)} b`, 'a'.repeat(MAX_KEY_LENGTH - 1)],
  ])('made from %j is %s', (name, key) => {
    expect(keyFromName(name, 'fallback')).toBe(key);
  });

  it.each([
    ['big-spenders', true],
    ['v2', true],
    ['Big', false],
    ['-a', false],
    ['a--b', false],
    ['a_b', false],
    ['a\n', false],
    ['', false],
    ['a'.repeat(MAX_KEY_LENGTH + 1), false],
    // It would be read as an ID.
    ['0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b', false],
  ])('may it be %j? %s', (text, isKey) => {
    expect(isAudienceKey(text)).toBe(isKey);
  });
});
