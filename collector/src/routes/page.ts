import { decodeCursor } from '../core/cursor';
import { ApiError } from '../errors';

/** @throws ApiError invalid_cursor */
export function readCursor(text: string | undefined): ReturnType<typeof decodeCursor> {
  if (text === undefined) return null;
  const cursor = decodeCursor(text);
  if (cursor === null) throw new ApiError('invalid_cursor');
  return cursor;
}

/** A page out of one item more than fits: whether there is a next page is then known. */
export function pageFrom<T>(
  items: readonly T[],
  { limit, cursorOf }: { limit: number; cursorOf: (item: T) => string },
): { data: T[]; nextCursor: string | null } {
  const data = items.slice(0, limit);
  return { data, nextCursor: items.length > limit ? cursorOf(data.at(-1)!) : null };
}
