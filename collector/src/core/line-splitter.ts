/** A line of a file that is not blank. */
export interface Line {
  /** From 1, blank lines counted. */
  readonly number: number;
  /** Without its end; of a line that is too long only the beginning. */
  readonly bytes: Uint8Array;
  readonly isTooLong: boolean;
}

export interface LineSplitter {
  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): Line[];
  /** The last line, where the file does not end with a line's end. */
  end(): Line[];
  /** How many lines have ended so far, blank ones included. */
  count(): number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** What may stand around a line of the allowed length, and does not count: the mark in front, CR behind. */
const MARGIN_BYTES = BYTE_ORDER_MARK.length + 1;

/**
 * Splits chunks of bytes, cut anywhere, into lines that end with LF or CRLF. Of a line whose end has not come it keeps
 * no more than `maxBytes`, so its memory is bounded whatever comes.
 */
export function createLineSplitter(maxBytes: number): LineSplitter {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let length = 0;
  let count = 0;

  /** Copied: a view would keep the whole chunk in memory. */
  function keep(part: Uint8Array): void {
    const room = maxBytes + MARGIN_BYTES - keptBytes;
    length += part.length;
    if (room <= 0 || part.length === 0) return;
    const piece = Uint8Array.prototype.slice.call(part, 0, room);
    kept.push(piece);
    keptBytes += piece.length;
  }

  function finish(): Line[] {
    const line = toLine(joined(kept, keptBytes), length);
    kept = [];
    keptBytes = 0;
    length = 0;
    return line;
  }

  /** @param whole how long the line is, of which `bytes` may be the beginning only */
  function toLine(bytes: Uint8Array, whole: number): Line[] {
    count += 1;
    const start = count === 1 && BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? 3 : 0;
    const isAllThere = bytes.length === whole;
    const hasReturn = isAllThere && bytes.length > start && bytes.at(-1) === CARRIAGE_RETURN;
    const text = bytes.subarray(start, hasReturn ? -1 : undefined);
    const isTooLong = !isAllThere || text.length > maxBytes;
    if (isTooLong) return [{ number: count, bytes: text.subarray(0, maxBytes), isTooLong }];
    return isBlank(text) ? [] : [{ number: count, bytes: text, isTooLong }];
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let from = 0;
      for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
        const part = chunk.subarray(from, to);
        // Nearly every line lies in one chunk, and is not copied then.
        if (length === 0) lines.push(...toLine(part, part.length));
        else {
          keep(part);
          lines.push(...finish());
        }
        from = to + 1;
      }
      keep(chunk.subarray(from));
      return lines;
    },
    end: () => (length === 0 ? [] : finish()),
    count: () => count,
  };
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === CARRIAGE_RETURN);
}
