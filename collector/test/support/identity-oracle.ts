/**
 * Who owns what, straight from the definition and in one pass over all events: no intervals, no sums that move, no
 * code shared with the collector beyond the shape of a normal event.
 */
import type { NormalEvent } from '../../src/core/event';

/** A profile in a form that two workspaces and the oracle can be compared in: IDs are "kind:value". */
export interface Portrait {
  readonly id: string;
  readonly identifiers: readonly string[];
  readonly traits: Record<string, unknown>;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly events: number;
  readonly pages: number;
  readonly orders: number;
  readonly revenue: Record<string, string>;
  /** null, or what the page, campaign or referrer was and when. */
  readonly lastPage: unknown;
  readonly firstCampaign: unknown;
  readonly firstReferrer: unknown;
  /** Message IDs, newest first. */
  readonly timeline: readonly string[];
}

export interface OracleClaim {
  readonly weaker: string;
  readonly stronger: string;
  readonly at: number;
  readonly messageId: string;
}

export const key = ({ kind, value }: { kind: string; value: string }) => `${kind}:${value}`;
export const subjectOf = (event: NormalEvent) => key(event.identifiers[0]!);
export const before = (a: { at: number; messageId: string }, b: { at: number; messageId: string }) =>
  a.at - b.at || (a.messageId < b.messageId ? -1 : a.messageId > b.messageId ? 1 : 0);

/** What somebody changed by hand; subjects as "kind:value". */
export interface ByHand {
  readonly voided?: readonly (readonly [weaker: string, stronger: string])[];
  readonly links?: readonly (readonly [source: string, target: string])[];
  /** @default 50 */
  readonly maxOwners?: number;
}

export function portraitsByDefinition(events: readonly NormalEvent[], byHand: ByHand = {}): Portrait[] {
  const { voided = [], links = [], maxOwners = 50 } = byHand;
  const claims = events
    .flatMap(claimsMadeBy)
    .filter((claim) => !voided.some((pair) => pair[0] === claim.weaker && pair[1] === claim.stronger));
  const claimantOf = (subject: string, at: number): string => {
    const own = claims.filter(({ weaker }) => weaker === subject).sort(before);
    const first = own[0];
    if (first === undefined) return subject;
    if (subject.startsWith('email:')) return first.stronger;
    const final = (target: string) => (target.startsWith('email:') ? claimantOf(target, at) : target);
    const latest = own.filter((claim) => claim.at <= at).at(-1) ?? first;
    const seen = new Set<string>();
    const crowded = own.find((claim) => seen.add(final(claim.stronger)).size > maxOwners);
    if (crowded !== undefined && at >= crowded.at) return subject;
    return final(latest.stronger);
  };
  const ownerOf = (subject: string, at: number): string => {
    const claimant = claimantOf(subject, at);
    return links.find(([source]) => source === claimant)?.[1] ?? claimant;
  };
  const owned = new Map<string, NormalEvent[]>();
  for (const event of events) {
    const owner = ownerOf(subjectOf(event), event.occurredAt);
    owned.set(owner, [...(owned.get(owner) ?? []), event]);
  }
  const counting = countingOrders(events);
  return [...owned]
    .map(([id, theirs]) => ({
      ...portrait(id, theirs, counting),
      identifiers: identifiersOf(id, [...claims, ...links.map(asClaim)], ownerOf),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A linked user is an identifier of whom it is linked to. */
function asClaim([weaker, stronger]: readonly [string, string]): OracleClaim {
  return { weaker, stronger, at: 0, messageId: '' };
}

export function claimsMadeBy(event: NormalEvent): OracleClaim[] {
  if (event.type !== 'identify' && event.type !== 'alias') return [];
  const strongest = event.identifiers[0]!;
  return event.identifiers
    .filter(({ kind }) => kind !== strongest.kind)
    .map((identifier) => ({
      weaker: key(identifier),
      stronger: key(strongest),
      at: event.occurredAt,
      messageId: event.messageId,
    }));
}

/** The profile's own, and every weaker one that belongs to it at some time. */
function identifiersOf(
  id: string,
  claims: readonly OracleClaim[],
  ownerOf: (subject: string, at: number) => string,
): string[] {
  const weaker = [...new Set(claims.map((claim) => claim.weaker))];
  const moments = [-8.64e15, ...claims.map(({ at }) => at)];
  return [
    id,
    ...weaker.filter((subject) => subject !== id && moments.some((at) => ownerOf(subject, at) === id)),
  ].sort();
}

/** Message IDs of the events that count as orders or refunds. */
export function countingOrders(events: readonly NormalEvent[]): Set<string> {
  const winners = new Map<string, NormalEvent>();
  for (const event of events) {
    if (event.order === null) continue;
    const entry = event.order.entryKey ?? event.messageId;
    const other = winners.get(entry);
    const isEarlier =
      other === undefined ||
      event.occurredAt < other.occurredAt ||
      (event.occurredAt === other.occurredAt && event.messageId < other.messageId);
    if (isEarlier) winners.set(entry, event);
  }
  return new Set([...winners.values()].map(({ messageId }) => messageId));
}

export function portrait(
  id: string,
  events: readonly NormalEvent[],
  counting: ReadonlySet<string>,
): Omit<Portrait, 'identifiers'> {
  const sorted = [...events].sort((a, b) =>
    before({ at: a.occurredAt, messageId: a.messageId }, { at: b.occurredAt, messageId: b.messageId }),
  );
  const orders = sorted.filter(({ order, messageId }) => order !== null && counting.has(messageId));
  const cents = new Map<string, number>();
  for (const { order } of orders) {
    const currency = order!.currency ?? 'USD';
    cents.set(currency, (cents.get(currency) ?? 0) + Math.round(Number(order!.amount ?? 0) * 100));
  }
  return {
    id,
    traits: traitsOf(sorted),
    firstSeenAt: sorted[0]!.occurredAt,
    lastSeenAt: sorted.at(-1)!.occurredAt,
    events: sorted.length,
    pages: sorted.filter(({ type }) => type === 'page').length,
    orders: orders.filter(({ order }) => order!.kind === 'order').length,
    revenue: Object.fromEntries(
      [...cents].filter(([, sum]) => sum !== 0).map(([currency, sum]) => [currency, String(sum / 100)]),
    ),
    ...visitsOf(sorted),
    timeline: sorted.map(({ messageId }) => messageId).reverse(),
  };
}

/** Played from the first event to the last: what is said once only fills gaps, what is said otherwise stands over it. */
function traitsOf(sorted: readonly NormalEvent[]): Record<string, unknown> {
  const once: Record<string, unknown> = {};
  const said: Record<string, unknown> = {};
  for (const { type, traitValues } of sorted) {
    if (type !== 'identify') continue;
    const { $once = {}, ...others } = traitValues ?? {};
    for (const [name, value] of Object.entries($once as object)) once[name] ??= value;
    Object.assign(said, others);
  }
  return Object.fromEntries(Object.entries({ ...once, ...said }).filter(([, value]) => value !== null));
}

/** Read from what was stored of the events, in the words of the API. */
function visitsOf(
  sorted: readonly NormalEvent[],
): Pick<Portrait, 'lastPage' | 'firstCampaign' | 'firstReferrer'> {
  const found: { page: unknown; campaign: unknown; referrer: unknown } = {
    page: null,
    campaign: null,
    referrer: null,
  };
  for (const event of sorted) {
    const at = new Date(event.occurredAt).toISOString();
    const context = (JSON.parse(event.context ?? '{}') ?? {}) as { page?: Texts; campaign?: unknown };
    const own = (event.type === 'page' ? JSON.parse(event.properties ?? '{}') : {}) as Texts;
    const text = (field: string) =>
      [own[field], context.page?.[field]].find((value) => typeof value === 'string' && value !== '') as
        string | undefined;
    if (event.type === 'page') {
      const url = text('url') ?? null;
      const path = url === null ? (text('path') ?? null) : pathOf(url);
      found.page = { url, path, title: text('title') ?? null, name: event.name, at };
    }
    const known = ['source', 'medium', 'name', 'term', 'content'].map((field) => {
      const value = typeof context.campaign === 'object' ? (context.campaign as Texts)[field] : null;
      return [field, typeof value === 'string' && value !== '' ? value : null] as const;
    });
    if (known.some(([, value]) => value !== null)) found.campaign ??= { ...Object.fromEntries(known), at };
    const from = siteOf(text('referrer'));
    if (from !== null && from !== siteOf(text('url'))) found.referrer ??= { url: text('referrer'), at };
  }
  return { lastPage: found.page, firstCampaign: found.campaign, firstReferrer: found.referrer };
}

type Texts = Readonly<Record<string, unknown>>;
const pathOf = (url: string) => (URL.canParse(url) ? new URL(url).pathname : url);

function siteOf(address: string | undefined): string | null {
  if (address === undefined || !URL.canParse(address)) return null;
  return new URL(address).host.replace(/^www\./, '');
}
