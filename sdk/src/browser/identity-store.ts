import { attempt } from '../core/attempt';
import { identifyUser, NOBODY } from '../core/identity';
import type { User } from '../core/identity';
import { continueSession } from '../core/session';
import type { Session } from '../core/session';
import type { Properties } from '../core/wire';
import type { Cookie } from './cookie';
import type { LocalStore } from './local-storage';

/** Who this browser is, shared by all pages of the origin, and kept in memory where nothing can be stored. */
export interface IdentityStore {
  anonymousId(): string;
  user(): User;
  identify(userId: string | undefined, traits: Properties | undefined): void;
  /** Somebody else from now on: a new anonymous ID, no user, a new session. */
  reset(): void;
  /** The session of an event at this time, in milliseconds since 1970. */
  sessionId(now: number): string;
}

export interface IdentityEdges {
  readonly local: LocalStore;
  readonly cookie: Cookie;
  /** Of all keys in localStorage. */
  readonly prefix: string;
  readonly newId: () => string;
}

/**
 * The anonymous ID lives in a cookie and in localStorage; whichever is missing is made again from the other.
 * Both are renewed on each page. The cookie wins, because subdomains may share it.
 */
export function createIdentityStore({ local, cookie, prefix, newId }: IdentityEdges): IdentityStore {
  const anonymousKey = `${prefix}anonymous`;
  const user = keepJson<User>(local, `${prefix}user`, NOBODY);
  const session = keepJson<Session | null>(local, `${prefix}session`, null);
  let anonymousId = '';

  const become = (id: string): void => {
    anonymousId = id;
    local.set(anonymousKey, id);
    cookie.write(id);
  };
  become(cookie.read() || local.get(anonymousKey) || newId());

  return {
    anonymousId: () => {
      const stored = local.get(anonymousKey);
      // Another page may have reset it, or the visitor may have cleared the site's data.
      if (stored) anonymousId = stored;
      else become(anonymousId);
      return anonymousId;
    },
    user: user.read,
    identify: (userId, traits) => user.write(identifyUser(user.read(), userId, traits)),
    reset: () => {
      become(newId());
      user.write(NOBODY);
      session.write(null);
    },
    sessionId: (now) => {
      const last = session.read();
      const current = continueSession(last, now, newId);
      if (current !== last) session.write(current);
      return current.id;
    },
  };
}

/**
 * A value in localStorage that other pages may change, also back to none; memory has it where localStorage has nothing.
 */
export function keepJson<T>(
  local: LocalStore,
  key: string,
  none: T,
): { read: () => T; write: (value: T) => void } {
  let known = none;
  return {
    read: () =>
      attempt(() => (JSON.parse(local.get(key) ?? JSON.stringify(known)) as T | null) ?? none, known),
    write: (value) => {
      known = value;
      local.set(key, JSON.stringify(value));
    },
  };
}
