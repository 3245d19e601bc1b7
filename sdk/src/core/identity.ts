import type { Properties } from './wire';

/** Whom this browser was last identified as, and what was said about them here. */
export interface User {
  readonly userId?: string | undefined;
  readonly traits: Properties;
}

export const NOBODY: User = { traits: {} };

/** The user after an identify: another user ID begins with no traits; none keeps the one known. */
export function identifyUser(user: User, userId: string | undefined, traits: Properties | undefined): User {
  const isSame = !userId || !user.userId || userId === user.userId;
  return { userId: userId ?? user.userId, traits: { ...(isSame && user.traits), ...traits } };
}
