import { isObject, type JsonObject } from './json-value';

/**
 * What an event says about a visit, each as a JSON text of bounded length; null where it says nothing. Together with
 * when it was said it is a mark (see {@link markOf}), and a profile keeps the last page and the first of the others.
 */
export interface Visit {
  readonly page: string | null;
  readonly campaign: string | null;
  readonly referrer: string | null;
}

/** The marks of a part of a profile, or of a stretch of history; null where none of its events says so. */
export interface Marks {
  readonly lastPage: string | null;
  readonly firstCampaign: string | null;
  readonly firstReferrer: string | null;
}

export const NO_MARKS: Marks = { lastPage: null, firstCampaign: null, firstReferrer: null };

/** Segment's common fields, `context.campaign`; each is the utm parameter of that name, `name` is utm_campaign. */
export const CAMPAIGN_FIELDS = ['source', 'medium', 'name', 'term', 'content'] as const;

/** Characters kept of each. They go into a row that many events rewrite. */
const MAX_URL_LENGTH = 500;
const MAX_TITLE_LENGTH = 200;
const MAX_CAMPAIGN_LENGTH = 100;

interface Said {
  readonly type: string;
  readonly name: string | null;
  readonly properties: JsonObject | null;
  readonly context: JsonObject | null;
}

/**
 * Reads what an event says about its visit; null where it is nothing. What a page call says of its page stands in its
 * properties, else, as with every other call, in `context.page`. db/stretches.ts asks the same of stored events.
 */
export function readVisit({ type, name, properties, context }: Said): Visit | null {
  const isPage = type === 'page';
  const inContext = isObject(context?.['page']) ? context['page'] : null;
  const about = (field: string) =>
    (isPage ? textIn(properties, field) : undefined) ?? textIn(inContext, field);
  const campaign = campaignIn(context);
  const referrer = isPage || inContext !== null ? referrerFrom(about('referrer'), about('url')) : null;
  if (!isPage) return campaign === null && referrer === null ? null : { page: null, campaign, referrer };
  const url = about('url');
  const page = JSON.stringify({
    url: cut(url, MAX_URL_LENGTH),
    // Where there is a URL it has the path.
    path: url === undefined ? cut(about('path'), MAX_URL_LENGTH) : undefined,
    title: cut(about('title'), MAX_TITLE_LENGTH),
    name: name === null ? undefined : cut(name, MAX_TITLE_LENGTH),
  });
  return { page, campaign, referrer };
}

function campaignIn(context: JsonObject | null): string | null {
  const campaign = context?.['campaign'];
  if (!isObject(campaign)) return null;
  const fields = CAMPAIGN_FIELDS.flatMap((field) => {
    const text = textIn(campaign, field);
    return text === undefined ? [] : [[field, cut(text, MAX_CAMPAIGN_LENGTH)]];
  });
  return fields.length === 0 ? null : JSON.stringify(Object.fromEntries(fields));
}

/** The host of a web address, whatever stands before its domain's name for the web. */
const HOST = /^https?:\/\/(?:www\.)?([^/?#]+)/;

/** A referrer is where somebody came from: a page of the same site is none. */
function referrerFrom(referrer: string | undefined, url: string | undefined): string | null {
  const host = referrer === undefined ? undefined : HOST.exec(referrer)?.[1];
  if (host === undefined || host === HOST.exec(url ?? '')?.[1]) return null;
  return JSON.stringify({ url: cut(referrer, MAX_URL_LENGTH) });
}

function textIn(object: JsonObject | null, field: string): string | undefined {
  const value = object?.[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Not in the middle of a surrogate pair. */
function cut(text: string | undefined, length: number): string | undefined {
  if (text === undefined || text.length <= length) return text;
  return text.slice(0, length).toWellFormed();
}

/** `2026-01-31T12:00:00.000Z/<message ID>/<JSON>`: sorted as texts, marks are sorted by time and message ID. */
export function markOf(
  value: string | null,
  { occurredAt, messageId }: { occurredAt: number; messageId: string },
): string | null {
  return value === null ? null : `${new Date(occurredAt).toISOString()}/${messageId}/${value}`;
}

/** How many characters of a mark stand before its JSON. */
export const MARK_HEAD_LENGTH = '2026-01-31T12:00:00.000Z/00000000-0000-4000-8000-000000000000/'.length;

/** What an event's visit adds to a part. */
export function marksOf(visit: Visit, event: { occurredAt: number; messageId: string }): Marks {
  return {
    lastPage: markOf(visit.page, event),
    firstCampaign: markOf(visit.campaign, event),
    firstReferrer: markOf(visit.referrer, event),
  };
}

/** Of both the last page and the first of the others: associative, commutative, idempotent. */
export function mergeMarks(a: Marks, b: Marks): Marks {
  return {
    lastPage: laterMark(a.lastPage, b.lastPage),
    firstCampaign: earlierMark(a.firstCampaign, b.firstCampaign),
    firstReferrer: earlierMark(a.firstReferrer, b.firstReferrer),
  };
}

function laterMark(a: string | null, b: string | null): string | null {
  return a === null || (b !== null && b > a) ? b : a;
}

function earlierMark(a: string | null, b: string | null): string | null {
  return a === null || (b !== null && b < a) ? b : a;
}

/** Those of a part's marks that do not come from what it lost. */
export function marksWithout(marks: Marks, lost: Marks): Marks {
  const keep = (mark: string | null, other: string | null) => (mark === other ? null : mark);
  return {
    lastPage: keep(marks.lastPage, lost.lastPage),
    firstCampaign: keep(marks.firstCampaign, lost.firstCampaign),
    firstReferrer: keep(marks.firstReferrer, lost.firstReferrer),
  };
}

export function isSameMarks(a: Marks, b: Marks): boolean {
  return (
    a.lastPage === b.lastPage && a.firstCampaign === b.firstCampaign && a.firstReferrer === b.firstReferrer
  );
}

/** The page that somebody saw last, as the API shows it. */
export interface LastPage {
  readonly url: string | null;
  readonly path: string | null;
  readonly title: string | null;
  readonly name: string | null;
  readonly at: Date;
}

export type Campaign = Readonly<Record<(typeof CAMPAIGN_FIELDS)[number], string | null>> & {
  readonly at: Date;
};

export interface Referrer {
  readonly url: string;
  readonly at: Date;
}

/** What marks say. */
export function readMarks(marks: Marks): {
  readonly lastPage: LastPage | null;
  readonly firstCampaign: Campaign | null;
  readonly firstReferrer: Referrer | null;
} {
  const page = readMark(marks.lastPage);
  const campaign = readMark(marks.firstCampaign);
  const referrer = readMark(marks.firstReferrer);
  const { url = null, path = null, title = null, name = null } = page?.said ?? {};
  const { source = null, medium = null, term = null, content = null } = campaign?.said ?? {};
  return {
    lastPage: page && { url, path: url === null ? path : pathOf(url), title, name, at: page.at },
    firstCampaign: campaign && {
      ...{ source, medium, name: campaign.said['name'] ?? null, term, content },
      at: campaign.at,
    },
    firstReferrer: referrer && { url: referrer.said['url']!, at: referrer.at },
  };
}

function readMark(
  mark: string | null,
): { readonly said: Partial<Record<string, string>>; readonly at: Date } | null {
  if (mark === null) return null;
  const at = new Date(mark.slice(0, mark.indexOf('/')));
  return { said: JSON.parse(mark.slice(MARK_HEAD_LENGTH)) as Partial<Record<string, string>>, at };
}

/** Of a URL the path, of what is none the whole. */
function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url;
}
