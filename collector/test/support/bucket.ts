/**
 * A bucket of a test's own: as much of S3's protocol as exports need, and strict where a real one is. Each request must be
 * signed (AWS Signature Version 4, worked out here from the specification, see bucket.test.ts for Amazon's own example),
 * its body must have the hash that is signed, and a length must be given.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Bucket {
  /** Ends with a slash. */
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Every request that was taken: method and key. */
  readonly requests: string[];
  /** The next requests are answered so, before anything is looked at; as many as are given. */
  readonly failNext: (...statuses: number[]) => void;
  /** Called when an object was put. */
  onPut: () => void;
  readonly close: () => Promise<void>;
}

export const BUCKET_REGION = 'eu-test-1';
export const BUCKET_KEY = { id: 'AKIDOFATEST', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

export async function openBucketServer(): Promise<Bucket> {
  const failures: number[] = [];
  const bucket = {
    objects: new Map<string, Buffer>(),
    requests: [] as string[],
    failNext: (...statuses: number[]) => void failures.push(...statuses),
    onPut: (): void => undefined,
  };
  const server = createServer((request, response) => {
    void answer(request).then(({ status, body = '' }) => response.writeHead(status).end(body));
  });
  async function answer(request: IncomingMessage): Promise<{ status: number; body?: Buffer | string }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const failure = failures.shift();
    if (failure !== undefined) return { status: failure, body: error('InternalError') };
    const key = decodeURIComponent(request.url!.slice(1));
    const refusal = refusalOf(request, body);
    if (refusal !== null) return refusal;
    bucket.requests.push(`${request.method!} ${key}`);
    if (!key.startsWith('exports/')) return { status: 404, body: error('NoSuchBucket') };
    const there = bucket.objects.get(key);
    if (request.method === 'GET') {
      return there === undefined ? { status: 404, body: error('NoSuchKey') } : { status: 200, body: there };
    }
    if (request.method === 'DELETE') {
      bucket.objects.delete(key);
      return { status: 204 };
    }
    if (there !== undefined && request.headers['if-none-match'] === '*') {
      return { status: 412, body: error('PreconditionFailed') };
    }
    bucket.objects.set(key, body);
    bucket.onPut();
    return { status: 200 };
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(bucket, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/exports/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}

const error = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>For ${BUCKET_KEY.id}</Message></Error>`;

function refusalOf(request: IncomingMessage, body: Buffer): { status: number; body: string } | null {
  const { headers, method } = request;
  if (method === 'PUT' && headers['content-length'] === undefined) {
    return { status: 411, body: error('MissingContentLength') };
  }
  const payload = String(headers['x-amz-content-sha256']);
  const [, id, day, region, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (id !== BUCKET_KEY.id) return { status: 403, body: error('InvalidAccessKeyId') };
  if (region !== BUCKET_REGION) return { status: 400, body: error('AuthorizationHeaderMalformed') };
  const isWhole = ['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) =>
    names!.split(';').includes(name),
  );
  const date = String(headers['x-amz-date']);
  const expected = signatureOf({
    ...{ method: method!, path: request.url!, headers, names: names!.split(';'), payload },
    ...{ date, region, secret: BUCKET_KEY.secret },
  });
  if (!isWhole || !date.startsWith(day!) || signature !== expected) {
    return { status: 403, body: error('SignatureDoesNotMatch') };
  }
  const isTrue = payload === createHash('sha256').update(body).digest('hex');
  return isTrue ? null : { status: 400, body: error('XAmzContentSHA256Mismatch') };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function signatureOf(request: {
  readonly method: string;
  /** As it is sent, encoded; without a query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly names: readonly string[];
  readonly payload: string;
  readonly date: string;
  readonly region: string;
  readonly secret: string;
}): string {
  const { method, path, headers, names, payload, date, region, secret } = request;
  const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`).join('');
  const uri = path
    .split('/')
    .map((step) => uriEncode(decodeURIComponent(step)))
    .join('/');
  const canonical = [method, uri, '', lines, names.join(';'), payload].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const hash = createHash('sha256').update(canonical).digest('hex');
  const key = ['s3', 'aws4_request'].reduce<Buffer>(
    (previous, text) => hmac(previous, text),
    hmac(hmac(Buffer.from(`AWS4${secret}`), date.slice(0, 8)), region),
  );
  return hmac(key, ['AWS4-HMAC-SHA256', date, scope, hash].join('\n')).toString('hex');
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const uriEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
