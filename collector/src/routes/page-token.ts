import type { Cursor } from '../core/cursor';
import { openPageToken, type PageTokenKey } from '../core/page-token';
import { ApiError } from '../errors';

/**
 * The place that a page token stands for; null where there is none, which is the beginning.
 *
 * @throws ApiError invalid_cursor
 */
export function readPageToken(text: string | undefined, key: PageTokenKey): Cursor | null {
  if (text === undefined) return null;
  const opened = openPageToken(text, key);
  if (opened.ok) return opened.place;
  throw new ApiError('invalid_cursor', MESSAGES[opened.problem]);
}

const MESSAGES = {
  not_ours: 'The cursor was not given out here, or it was changed on the way.',
  other_list:
    'The cursor belongs to another list: to another profile, order or filter. Ask as for the page that gave it, or ' +
    'begin again without it. A profile that was joined to another one meanwhile answers as that one.',
} as const;
