import type { Cursor } from './cursor';
import { comparePlaces } from './timeline';

/**
 * A profile's sessions. Events that name the same session are one, unless nothing was heard of it for a day: some clients
 * use an ID for ever. Those that name none are one as long as they follow each other within 30 minutes, as the SDK's do.
 */
export const NAMED_GAP_MS = 24 * 3_600_000;
export const UNNAMED_GAP_MS = 30 * 60_000;

export interface FirstPage {
  readonly name: string | null;
  readonly path: string | null;
  readonly url: string | null;
  readonly title: string | null;
}

/** What of an event says about its session. */
export interface SessionEvent extends Cursor {
  readonly session: string | null;
  readonly page: FirstPage | null;
  readonly campaign: Readonly<Record<string, unknown>> | null;
}

export interface ProfileSession {
  /** null: put together by time alone. */
  readonly sessionId: string | null;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly events: number;
  readonly firstPage: FirstPage | null;
  readonly campaign: SessionEvent['campaign'];
  /** Its last event: sessions are in order of these. */
  readonly place: Cursor;
}

/** Puts sessions together from a profile's events, newest first. */
export interface SessionWalk {
  readonly add: (event: SessionEvent) => void;
  /** In order of their last events. */
  readonly sessions: () => readonly ProfileSession[];
  /** Whether no event before this moment can belong to the session any more. */
  readonly isClosed: (session: ProfileSession, at: number) => boolean;
}

export function createSessionWalk(): SessionWalk {
  const sessions: ProfileSession[] = [];
  /** By session ID, where in `sessions` its latest chain stands. */
  const open = new Map<string | null, number>();
  const isClosed = ({ startedAt, sessionId }: ProfileSession, at: number) =>
    startedAt - at >= (sessionId === null ? UNNAMED_GAP_MS : NAMED_GAP_MS);
  return {
    add(event) {
      const { at, id, session: sessionId, page, campaign } = event;
      const index = open.get(sessionId);
      const known = index === undefined ? undefined : sessions[index];
      if (index !== undefined && known !== undefined && !isClosed(known, at)) {
        sessions[index] = {
          ...known,
          startedAt: at,
          events: known.events + 1,
          firstPage: page ?? known.firstPage,
          campaign: campaign ?? known.campaign,
        };
        return;
      }
      open.set(sessionId, sessions.length);
      const place = { at, id };
      sessions.push({ sessionId, startedAt: at, endedAt: at, events: 1, firstPage: page, campaign, place });
    },
    sessions: () => sessions,
    isClosed,
  };
}

/** Those that come after a place, which ended the page before. */
export function sessionsAfter(
  sessions: readonly ProfileSession[],
  place: Cursor | null,
): readonly ProfileSession[] {
  if (place === null) return sessions;
  return sessions.filter((session) => comparePlaces(session.place, place, 'newest') > 0);
}
