import { createHash } from 'node:crypto';
import { isUuid } from './uuid';

/** What a list of profiles can be sorted by, and the built-in trait of rules that it is. */
export const PROFILE_SORTS = {
  lastSeenAt: { trait: '$last_seen', kind: 'instant' },
  firstSeenAt: { trait: '$first_seen', kind: 'instant' },
  events: { trait: '$events', kind: 'number' },
  orders: { trait: '$orders', kind: 'number' },
  revenue: { trait: '$revenue', kind: 'number' },
} as const satisfies Record<string, { trait: string; kind: 'instant' | 'number' }>;
export type ProfileSort = keyof typeof PROFILE_SORTS;
export const SORT_ORDERS = ['desc', 'asc'] as const;
export type SortOrder = (typeof SORT_ORDERS)[number];

/** A place in a list of profiles: what the last one was sorted by (an ISO instant, or an exact decimal), and its ID. */
export interface ListPlace {
  readonly sorted: string;
  readonly id: string;
}

/** What decides which profiles a list has, and in which order. */
export interface ListIdentity {
  readonly search: string | null;
  /** As it was sent. */
  readonly filter: string | null;
  readonly sort: ProfileSort;
  readonly order: SortOrder;
}

/** How much of a digest tells lists apart: nobody gains from finding two that are taken for one. */
const DIGEST_LENGTH = 16;
const DECIMAL = /^-?\d{1,40}(?:\.\d{1,40})?$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * A text for a place, which goes on only in the list that gave it out. It is not signed: it says nothing that its list
 * did not, and who forges one chooses a place in a list of their own.
 */
export function encodeListCursor({ sorted, id }: ListPlace, list: ListIdentity): string {
  return Buffer.from(JSON.stringify([sorted, id, digestOf(list)])).toString('base64url');
}

/** The place, or why the text stands for none. */
export function decodeListCursor(
  text: string,
  list: ListIdentity,
): ListPlace | 'not_a_cursor' | 'of_another_list' {
  const [sorted, id, digest] = readParts(text);
  const form = PROFILE_SORTS[list.sort].kind === 'instant' ? INSTANT : DECIMAL;
  if (typeof sorted !== 'string' || typeof id !== 'string' || !isUuid(id)) return 'not_a_cursor';
  if (digest !== digestOf(list)) return 'of_another_list';
  return form.test(sorted) && !(form === INSTANT && Number.isNaN(Date.parse(sorted)))
    ? { sorted, id }
    : 'not_a_cursor';
}

function readParts(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(parts) ? parts : [];
  } catch {
    // No JSON: none of ours.
    return [];
  }
}

function digestOf({ search, filter, sort, order }: ListIdentity): string {
  const text = JSON.stringify([search, filter, sort, order]);
  return createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_LENGTH);
}
