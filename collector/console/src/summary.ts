import type { JsonObject, TimelineEvent } from './wire';

const MAX_FACTS = 5;
const MAX_FACT_LENGTH = 60;

export interface Fact {
  readonly key: string;
  readonly text: string;
}

/** What an event is called in a list: a track event's name, a page's name or title, else what kind of call it was. */
export function titleOf(event: TimelineEvent): string {
  if (event.event) return event.event;
  if (event.type === 'page')
    return textOf(event.properties?.['title']) ?? textOf(pageOf(event)?.['title']) ?? 'Page view';
  return { track: 'Track', identify: 'Identify', screen: 'Screen view', group: 'Group', alias: 'Alias' }[
    event.type
  ];
}

/** The few facts that fit in one line: where a page was, what identify said, an event's first properties. */
export function factsOf(event: TimelineEvent): readonly Fact[] {
  if (event.type === 'page') {
    const path = textOf(event.properties?.['path']) ?? textOf(pageOf(event)?.['path']);
    return path === undefined ? [] : [{ key: 'path', text: path }];
  }
  const told = event.type === 'identify' || event.type === 'group' ? event.traits : event.properties;
  return Object.entries(told ?? {})
    .filter(([, value]) => value !== null && value !== '')
    .slice(0, MAX_FACTS)
    .map(([key, value]) => ({ key, text: shorten(value) }));
}

/** A campaign in one line: what its utm parameters say, where it came from first. */
export function campaignOf(campaign: JsonObject | null): string {
  const { source, medium, name, ...rest } = campaign ?? {};
  return Object.values({ source, medium, name, ...rest })
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .filter((value) => value !== '')
    .join(' · ');
}

function pageOf(event: TimelineEvent): JsonObject | undefined {
  const page = event.context?.['page'];
  return typeof page === 'object' && page !== null ? (page as JsonObject) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function shorten(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === 'object') return '{…}';
  const text = String(value);
  return text.length > MAX_FACT_LENGTH ? `${text.slice(0, MAX_FACT_LENGTH)}…` : text;
}
