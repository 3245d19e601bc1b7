import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { createLineSplitter } from '../core/line-splitter';
import type { ImportCounts, RejectedLine } from '../import/tally';

/** How an import ended, as its sender sees it. */
export type ImportEnd =
  | {
      readonly status: 'done';
      readonly counts: ImportCounts;
      readonly firstRejected: readonly RejectedLine[];
    }
  /** Nothing was taken in, and the same again is refused again. */
  | { readonly status: 'refused'; readonly reason: string }
  /** Sending the same again is harmless, and may go further. */
  | { readonly status: 'broken'; readonly reason: string; readonly counts: ImportCounts | null };

export interface SendOptions {
  readonly url: URL;
  readonly key: string;
  readonly file: Readable;
  /** Called about once in a second with what is committed. */
  readonly onProgress: (counts: ImportCounts) => void;
}

/** A line of the answer: progress, or with `done` or `error` the last one. */
interface AnswerLine extends ImportCounts {
  readonly done?: true;
  readonly error?: { readonly code: string; readonly message: string };
  readonly firstRejected?: readonly RejectedLine[];
}

/** Longer than a collector may keep us waiting: then nobody is there any more. */
const SILENCE_MS = 120_000;
const MAX_ANSWER_LINE_BYTES = 1024 * 1024;

/** Sends a file and reads the answer while it does: what goes wrong there ends the sending. */
export async function sendFile({ url, key, file, onProgress }: SendOptions): Promise<ImportEnd> {
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-ndjson' },
  });
  // What breaks is seen where the answer is awaited; afterwards it is no news.
  request.on('error', () => undefined);
  request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`${url.origin} has fallen silent`)));
  file.once('error', (error) => request.destroy(error));
  file.pipe(request);
  let counts: ImportCounts | null = null;
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const isOurs = response.headers['content-type']?.startsWith('application/x-ndjson') ?? false;
    if (response.statusCode !== 200 || !isOurs) return await readRefusal(response);
    for await (const line of linesOf(response)) {
      const { lines, bytes, accepted, duplicates, rejected, suppressed = 0 } = line;
      counts = { lines, bytes, accepted, duplicates, rejected, suppressed };
      if (line.error !== undefined) return { status: 'broken', reason: line.error.message, counts };
      if (line.done === true) return { status: 'done', counts, firstRejected: line.firstRejected ?? [] };
      onProgress(counts);
    }
    return { status: 'broken', reason: 'The connection ended before the answer did.', counts };
  } catch (error) {
    return { status: 'broken', reason: reasonOf(error as NodeJS.ErrnoException, url), counts };
  } finally {
    hangUp(request, file);
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<AnswerLine, void, undefined> {
  const splitter = createLineSplitter(MAX_ANSWER_LINE_BYTES);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (const { bytes } of splitter.push(chunk))
      yield JSON.parse(Buffer.from(bytes).toString()) as AnswerLine;
  }
}

/** An answer with a status: before the first line was taken in. */
async function readRefusal(response: IncomingMessage): Promise<ImportEnd> {
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString();
  const status = response.statusCode ?? 0;
  const reason = messageIn(text) ?? `It answers ${status}, which is not an answer of Throughline's.`;
  return status >= 500 ? { status: 'broken', reason, counts: null } : { status: 'refused', reason };
}

function messageIn(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === 'string' ? error.message : null;
  } catch {
    // A page of something in between.
    return null;
  }
}

function reasonOf({ code, message, syscall }: NodeJS.ErrnoException, { origin }: URL): string {
  if (syscall === 'connect' || syscall === 'getaddrinfo') {
    return `${origin} cannot be reached (${code}). Is the collector running there? --host says where it is.`;
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') return `${origin} hung up.`;
  return `${message}.`;
}

function hangUp(request: ClientRequest, file: Readable): void {
  file.unpipe(request);
  file.destroy();
  request.destroy();
}
