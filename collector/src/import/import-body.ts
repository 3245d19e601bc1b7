import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ApiError } from '../errors';

export interface ImportBody {
  /**
   * The next bytes, unpacked; null at the end. Nothing is read ahead: while nobody calls this, the connection fills up
   * and its sender waits.
   *
   * @throws ApiError request_timeout, invalid_json (no gzip after all), invalid_body (the sender has gone), or the
   *   signal's reason
   */
  read(): Promise<Uint8Array | null>;
  /** How many bytes have been used so far, as they were sent. */
  usedBytes(): number;
}

export interface ImportBodyOptions {
  /** Ends the wait for bytes. */
  readonly signal: AbortSignal;
  /** A sender who sends nothing for this long, while we wait, is given up, in milliseconds. */
  readonly idleMs: number;
}

const CHUNK_BYTES = 64 * 1024;

/** A request's body as a stream of plain bytes: gzip is recognised by its first bytes, whatever the headers say. */
export function readImportBody(raw: Readable, { signal, idleMs }: ImportBodyOptions): ImportBody {
  let opened: Promise<OpenedBody> | undefined;
  let plainBytes = 0;
  let gunzip: Gunzip | undefined;
  return {
    async read() {
      opened ??= open(raw);
      const next = opened.then((body) => {
        gunzip = body.gunzip;
        return body.chunks.next();
      });
      const { done, value } = await inTime(next, { signal, idleMs }).catch((error: unknown) => {
        raw.unpipe();
        gunzip?.destroy();
        throw toBodyError(error);
      });
      if (done === true) return null;
      plainBytes += value.length;
      return value;
    },
    usedBytes: () => gunzip?.bytesWritten ?? plainBytes,
  };
}

interface OpenedBody {
  readonly chunks: AsyncIterator<Buffer, undefined>;
  readonly gunzip: Gunzip | undefined;
}

async function open(raw: Readable): Promise<OpenedBody> {
  // A body of nothing ends without having been readable.
  if (!raw.readableEnded) await Promise.race([once(raw, 'readable'), once(raw, 'end')]);
  const first = raw.read() as Buffer | null;
  if (first !== null) raw.unshift(first);
  if (!isGzip(first)) return { chunks: chunksOf(raw), gunzip: undefined };
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  raw.once('error', (error) => gunzip.destroy(error));
  raw.once('close', () => {
    if (!raw.readableEnded) gunzip.destroy(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
  });
  // Whoever reads sees it; when nobody reads any more, it must not end the process.
  gunzip.on('error', () => undefined);
  raw.pipe(gunzip);
  return { chunks: chunksOf(gunzip), gunzip };
}

/** No text begins with the first byte of gzip's magic, so one byte alone is enough to know. */
function isGzip(first: Buffer | null): boolean {
  return first?.[0] === 0x1f && (first.length === 1 || first[1] === 0x8b);
}

/** Stopping to read does not destroy the stream: on its connection the answer is still to go out. */
const chunksOf = (stream: Readable): AsyncIterator<Buffer, undefined> =>
  stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;

function inTime<T>(promise: Promise<T>, { signal, idleMs }: ImportBodyOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      act();
    };
    const stop = (): void => settle(() => reject(signal.reason as Error));
    const timer = setTimeout(() => settle(() => reject(new ApiError('request_timeout'))), idleMs);
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error as Error)),
    );
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function toBodyError(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || error instanceof ApiError) return error;
  if (code.startsWith('Z_')) return new ApiError('invalid_json', 'The body is not valid gzip, or not whole.');
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new ApiError('invalid_body', 'The connection ended before the body did.');
  return error;
}
