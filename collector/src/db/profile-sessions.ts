import { sql } from 'kysely';
import type { Cursor } from '../core/cursor';
import {
  createSessionWalk,
  NAMED_GAP_MS,
  type ProfileSession,
  type SessionEvent,
  sessionsAfter,
} from '../core/profile-sessions';
import { comparePlaces, type TimelineOrder } from '../core/timeline';
import { SESSION_OF_EVENT } from './timeline';
import { PACE, type Places, readPlaces } from './timeline-places';
import type { Reading } from './timeline-scan';

export interface SessionsQuery {
  readonly profileId: string;
  readonly limit: number;
  readonly after: Cursor | null;
}

export interface SessionsPage {
  readonly sessions: readonly (ProfileSession & {
    /** Whether all of it was read: one may be longer than a page looks through. */
    readonly isWhole: boolean;
  })[];
  /** Where the next page begins; null at the end. */
  readonly next: Cursor | null;
}

/** How many events are read at a time, how many for a page, and how many before it, which its sessions may belong to. */
const EVENTS_AT_ONCE = 1_000;
const MAX_EVENTS = 20_000;
const MAX_EVENTS_BEFORE = 5_000;

type Marks = Omit<SessionEvent, keyof Cursor>;

/** About the event `e`. */
const MARKS = sql<Marks>`jsonb_build_object(
  'session', ${SESSION_OF_EVENT},
  'page', case when e.type in ('page', 'screen') then jsonb_build_object(
    'name', e.name,
    'path', coalesce(e.properties -> 'path', e.context -> 'page' -> 'path'),
    'url', coalesce(e.properties -> 'url', e.context -> 'page' -> 'url'),
    'title', coalesce(e.properties -> 'title', e.context -> 'page' -> 'title')) end,
  'campaign', case when jsonb_typeof(e.context -> 'campaign') = 'object' then e.context -> 'campaign' end)`;

/** A page of a profile's sessions, newest first. The transaction must be one snapshot. */
export async function readSessions(
  reading: Reading,
  { profileId, limit, after }: SessionsQuery,
): Promise<SessionsPage> {
  const walk = createSessionWalk();
  for (const event of await readEventsBefore(reading, profileId, after)) walk.add(event);
  let place = after;
  let read = 0;
  for (;;) {
    const found = await readMarks(reading, {
      profileId,
      after: place,
      order: 'newest',
      need: EVENTS_AT_ONCE,
    });
    for (const event of found.places) walk.add({ ...event, ...event.marks });
    read += found.places.length;
    place = found.places.length < EVENTS_AT_ONCE ? found.end : found.places.at(-1)!;
    const sessions = sessionsAfter(walk.sessions(), after);
    const page = sessions.slice(0, limit).map((session) => ({
      ...session,
      isWhole: place === null || walk.isClosed(session, place.at),
    }));
    const isFull = sessions.length > limit && page.every(({ isWhole }) => isWhole);
    if (place === null && sessions.length <= limit) return { sessions: page, next: null };
    if (place === null || isFull) return { sessions: page, next: page.at(-1)!.place };
    if (read >= MAX_EVENTS) return { sessions: page, next: page.at(-1)?.place ?? place };
  }
}

/** The events in front of a page that a session of its events may have begun with, newest first. */
async function readEventsBefore(
  reading: Reading,
  profileId: string,
  after: Cursor | null,
): Promise<SessionEvent[]> {
  if (after === null) return [];
  const { places } = await readMarks(reading, {
    profileId,
    // All of this millisecond, too: the last page's last event is one of them.
    after: { at: after.at - 1, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
    to: after.at + NAMED_GAP_MS,
    order: 'oldest',
    need: MAX_EVENTS_BEFORE,
  });
  return places
    .filter((place) => comparePlaces(place, after, 'newest') <= 0)
    .reverse()
    .map((place) => ({ ...place, ...place.marks }));
}

function readMarks(
  reading: Reading,
  query: { profileId: string; after: Cursor | null; order: TimelineOrder; need: number; to?: number },
): Promise<Places<Marks>> {
  const { profileId, order, after, need, to } = query;
  return readPlaces(reading, {
    scope: { profileId, order, from: null, to: to === undefined ? null : new Date(to), after },
    need,
    isWanted: null,
    marks: MARKS,
    pace: PACE,
  });
}
