/**
 * Hands out what `read` gives, one after the other, and reads the next while whoever takes it is busy with the last. null
 * is the end. Ending the iteration early waits for what is being read.
 */
export async function* streamAhead<Piece>(
  read: () => Promise<Piece | null>,
): AsyncGenerator<Piece, void, undefined> {
  let next = read();
  try {
    for (;;) {
      const piece = await next;
      if (piece === null) return;
      next = read();
      // Whoever takes the piece may leave, or be busy while the next one fails: it is told when it asks.
      next.catch(() => undefined);
      yield piece;
    }
  } finally {
    await next.catch(() => undefined);
  }
}
