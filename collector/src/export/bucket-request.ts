import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { ExportError } from './export-error';

export interface BucketAccess {
  /** Of the bucket, and of what is in front of each name: paths are appended to it. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface BucketRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  /** What is sent: a text, or a file whose length and hash are known. */
  readonly body?: string | { readonly file: string; readonly bytes: number; readonly sha256: string };
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BucketAnswer {
  readonly status: number;
  readonly text: string;
}

const MAX_ATTEMPTS = 5;
/** Doubled with each try, and somewhere below that (full jitter). */
const RETRY_AFTER_MS = 500;
/** Whoever is silent for so long is not there. */
const SILENCE_MS = 60_000;
/** What is read of an answer; ours are small files of JSON. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Asks an S3-compatible bucket, signed (AWS Signature Version 4, with the body's hash), as often as it makes sense: an
 * answer of 5xx or 429, or none, is tried again.
 *
 * @throws ExportError with what to do about it
 */
export async function askBucket(access: BucketAccess, request: BucketRequest): Promise<BucketAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send(access, request).catch((cause: unknown) => cause as Error);
    const isLast = attempt >= MAX_ATTEMPTS;
    if (answer instanceof Error) {
      if (isLast || answer instanceof ExportError) throw toUnreachable(access, answer);
    } else if (answer.status < 500 && answer.status !== 429) return answer;
    // What it cannot do, it will not do the next time.
    else if (isLast || answer.status === 501) throw toRefusal(access, request, answer);
    await wait(Math.random() * RETRY_AFTER_MS * 2 ** attempt);
  }
}

async function send(
  access: BucketAccess,
  { method, path, body, headers = {} }: BucketRequest,
): Promise<BucketAnswer> {
  const isFile = typeof body === 'object';
  const text = isFile ? '' : (body ?? '');
  const signed = await new AwsV4Signer({
    ...access,
    url: `${access.url}${path.split('/').map(encodeURIComponent).join('/')}`,
    service: 's3',
    method,
    headers: {
      ...headers,
      'x-amz-content-sha256': isFile ? body.sha256 : createHash('sha256').update(text).digest('hex'),
    },
  }).sign();
  const request = open(signed.url, {
    method,
    headers: {
      ...Object.fromEntries(signed.headers),
      ...(body === undefined ? {} : { 'content-length': isFile ? body.bytes : Buffer.byteLength(text) }),
    },
  });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  // A refusal may come before everything is sent, and then the rest cannot be: the answer says more.
  const sent = isFile ? pipeline(createReadStream(body.file), request) : void request.end(text);
  const [answer] = await Promise.all([
    answered.then(([response]) => read(response)),
    sent?.catch(() => undefined),
  ]);
  return answer;
}

function open(url: URL, options: { readonly method: string; readonly headers: object }): ClientRequest {
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    ...options,
    agent: false,
  } as object);
  request.setTimeout(SILENCE_MS, () => request.destroy(new Error('it has fallen silent')));
  return request;
}

async function read(response: IncomingMessage): Promise<BucketAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new ExportError('The bucket’s answer is too long to be one.');
    chunks.push(chunk);
  }
  return { status: response.statusCode!, text: Buffer.concat(chunks).toString() };
}

/** Never what the bucket says in full: that quotes the request. */
export function toRefusal(
  access: BucketAccess,
  { method }: BucketRequest,
  { status, text }: BucketAnswer,
): ExportError {
  const code = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? null;
  const shown = code === null ? String(status) : `${status} ${code}`;
  const what = `The bucket at ${access.url} answers ${shown}`;
  if (status === 401 || status === 403) {
    const right = { GET: 'read from it', PUT: 'write into it', DELETE: 'delete from it' }[method];
    return new ExportError(
      `${what}: check the access key and its secret, the region, and that this key may ${right}.`,
    );
  }
  if (status === 404) return new ExportError(`${what}: there is no such bucket.`);
  if (status >= 300 && status < 400)
    return new ExportError(`${what}: the address or the region is another one.`);
  return new ExportError(`${what}.`);
}

function toUnreachable(access: BucketAccess, cause: Error): ExportError {
  if (cause instanceof ExportError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new ExportError(`The bucket at ${access.url} cannot be reached: ${code ?? message}.`, { cause });
}
