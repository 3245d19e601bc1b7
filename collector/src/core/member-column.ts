import type { Column, ColumnType } from './export-column';
import { isStorableText } from './json-value';
import { MAX_PATH_STEPS, stepsOf } from './rule';

/** What can be told of an audience's member by name alone. */
const NAMED = {
  profileId: 'text',
  userId: 'text',
  email: 'text',
  emailSha256: 'text',
  anonymousId: 'text',
  anonymousIds: 'json',
  firstSeenAt: 'instant',
  lastSeenAt: 'instant',
  events: 'integer',
  pages: 'integer',
  orders: 'integer',
  revenue: 'decimal',
  traits: 'json',
  enteredAt: 'instant',
  cause: 'text',
} as const satisfies Readonly<Record<string, ColumnType>>;

export type NamedMemberColumn = keyof typeof NAMED;

/** A column of an audience's file, and where its cells come from. */
export interface MemberColumn extends Column {
  readonly of:
    | { readonly name: NamedMemberColumn }
    /** The steps into a trait. */
    | { readonly trait: readonly string[] }
    /** Revenue in this currency. */
    | { readonly currency: string };
}

export const DEFAULT_MEMBER_COLUMNS =
  'profileId,userId,email,anonymousId,firstSeenAt,lastSeenAt,events,orders,revenue,enteredAt';
export const MAX_MEMBER_COLUMNS = 100;

/** What a list of columns may name, in words. */
export const MEMBER_COLUMNS_EXPECTED = `1 to ${MAX_MEMBER_COLUMNS} different ones of ${Object.keys(NAMED).join(', ')}, revenue.EUR (any currency) and trait.plan (any trait; trait.address.city goes into one)`;

type ReadColumns =
  | { readonly ok: true; readonly columns: readonly MemberColumn[] }
  /** The first name that is none, or that is there twice. */
  | { readonly ok: false; readonly culprit: string };

/** Reads a list such as "profileId,emailSha256,trait.plan". */
export function readMemberColumns(list: string): ReadColumns {
  const names = list.split(',').map((name) => name.trim());
  const columns: MemberColumn[] = [];
  for (const name of names) {
    const column = readColumn(name);
    const isRepeated = columns.some((other) => other.name === name);
    if (column === null || isRepeated || columns.length >= MAX_MEMBER_COLUMNS)
      return { ok: false, culprit: name };
    columns.push(column);
  }
  return { ok: true, columns };
}

function readColumn(name: string): MemberColumn | null {
  if (Object.hasOwn(NAMED, name)) {
    const named = name as NamedMemberColumn;
    return { name, type: NAMED[named], of: { name: named } };
  }
  const currency = /^revenue\.([A-Z]{3})$/.exec(name)?.[1];
  if (currency !== undefined) return { name, type: 'decimal', of: { currency } };
  if (!name.startsWith('trait.') || !isStorableText(name)) return null;
  const trait = stepsOf(name.slice('trait.'.length));
  const isPath = trait.length <= MAX_PATH_STEPS && !trait.includes('');
  return isPath ? { name, type: 'json', of: { trait } } : null;
}
