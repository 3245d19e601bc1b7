import { describe, expect, it } from 'vitest';
import { DEFAULT_MEMBER_COLUMNS, MAX_MEMBER_COLUMNS, readMemberColumns } from '../../src/core/member-column';

describe('a list of columns', () => {
  it('names columns, revenue in a currency, and traits by their path', () => {
    expect(readMemberColumns('profileId, revenue.EUR,trait.address.city,trait.=1')).toEqual({
      ok: true,
      columns: [
        { name: 'profileId', type: 'text', of: { name: 'profileId' } },
        { name: 'revenue.EUR', type: 'decimal', of: { currency: 'EUR' } },
        { name: 'trait.address.city', type: 'json', of: { trait: ['address', 'city'] } },
        { name: 'trait.=1', type: 'json', of: { trait: ['=1'] } },
      ],
    });
    expect(readMemberColumns(DEFAULT_MEMBER_COLUMNS).ok).toBe(true);
  });

  const many = Array.from({ length: MAX_MEMBER_COLUMNS + 1 }, (_, index) => `trait.t${index}`);
  it.each([
    ['', ''],
    ['profileId,', ''],
    ['profile_id', 'profile_id'],
    ['toString', 'toString'],
    ['email,email', 'email'],
    ['revenue.eur', 'revenue.eur'],
    ['trait.', 'trait.'],
    ['trait.a..b', 'trait.a..b'],
    ['trait.a\0', 'trait.a\0'],
    [`trait.${Array.from({ length: 11 }, () => 'a').join('.')}`, `trait.${'a.'.repeat(10)}a`],
    [many.join(','), many.at(-1)!],
  ])('that is %j is refused for %j', (list, culprit) => {
    expect(readMemberColumns(list)).toEqual({ ok: false, culprit });
  });
});
