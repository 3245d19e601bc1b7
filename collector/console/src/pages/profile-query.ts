/** What can be chosen for the list of profiles, as it stands in the page's address. */

export const SORTS = {
  '': 'Last seen',
  'lastSeenAt-asc': 'Longest unseen',
  firstSeenAt: 'Newest',
  'firstSeenAt-asc': 'Oldest',
  revenue: 'Most revenue',
  orders: 'Most orders',
  events: 'Most events',
} as const;

/** `sort` and `order` of the API. */
export function sortQuery(chosen: string): { readonly sort?: string; readonly order?: string } {
  if (!Object.hasOwn(SORTS, chosen) || chosen === '') return {};
  const [sort = '', order] = chosen.split('-');
  return order === undefined ? { sort } : { sort, order };
}

/**
 * The rule that `plan = pro` stands for, as JSON; a trait's name alone asks whether it is there. What looks like a number,
 * true or false is one, and in quotation marks it is a text.
 */
export function filterOf(text: string): string {
  const [name = '', ...rest] = text.split('=');
  const trait = name.trim();
  if (trait === '') return '';
  const value = rest.join('=').trim();
  return JSON.stringify(value === '' ? { trait, exists: true } : { trait, eq: valueOf(value) });
}

function valueOf(text: string): unknown {
  if (!/^(-?\d+(\.\d+)?|true|false|".*")$/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // 007 and the like: no number of JSON's.
    return text;
  }
}
