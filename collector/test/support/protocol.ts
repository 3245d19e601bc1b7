export interface RawMessage {
  readonly type: string;
  /** The content, one character a byte. */
  readonly text: string;
  /** The whole message as it came. */
  readonly bytes: Buffer;
}

/**
 * Cuts a stream of one direction into the messages of Postgres's protocol: a letter, a length that counts itself, and
 * content; the first one of a client has no letter. https://www.postgresql.org/docs/current/protocol-overview.html
 */
export function createMessageReader(
  isClient: boolean,
  onMessage: (message: RawMessage) => void,
): (chunk: Buffer) => void {
  let buffered = Buffer.alloc(0);
  let isFirst = isClient;
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      const letters = isFirst ? 0 : 1;
      if (buffered.length < letters + 4) return;
      const length = letters + buffered.readUInt32BE(letters);
      if (buffered.length < length) return;
      const bytes = buffered.subarray(0, length);
      buffered = buffered.subarray(length);
      isFirst = false;
      const type = bytes.toString('latin1', 0, letters);
      onMessage({ type, text: bytes.toString('latin1', letters + 4), bytes });
    }
  };
}
