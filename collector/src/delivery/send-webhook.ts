/** The edge: a request to somebody's server, which we trust with nothing. */
import { lookup, type LookupAddress } from 'node:dns';
import { request as requestPlain } from 'node:http';
import { request as requestSecurely, type RequestOptions } from 'node:https';
import { promisify } from 'node:util';
import {
  type AllowedOrigin,
  checkWebhookUrl,
  hostOf,
  isAllowedOrigin,
  isPublicAddress,
} from '../core/webhook-address';
import { toStorableText } from '../core/json-value';

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookAnswer {
  /** null: there was no answer; `error` says why. */
  readonly status: number | null;
  readonly retryAfter: string | null;
  /** How the answer's body began. */
  readonly excerpt: string | null;
  readonly error: string | null;
  readonly durationMs: number;
}

export interface Webhooks {
  /** What is wrong with a URL before anything is sent there; null where nothing is. */
  readonly findProblem: (url: string) => string | null;
  /** Never throws: whatever happens is an answer. */
  readonly send: (request: WebhookRequest) => Promise<WebhookAnswer>;
}

export interface WebhookOptions {
  /** Origins that may be spoken to though they are private, or without TLS. */
  readonly allow: readonly AllowedOrigin[];
  /** All addresses of a name. @default the system's resolver */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Whom to trust beside the usual authorities, as PEM. @default nobody */
  readonly ca?: string;
  /** For the whole of it. @default 10 s */
  readonly timeoutMs?: number;
}

/** With a lease of 30 seconds (db/deliveries.ts), time enough remains to note what came of it. */
const TIMEOUT_MS = 10_000;
const MAX_EXCERPT_BYTES = 1_000;
const USER_AGENT = 'Throughline-Webhooks/1';

/** Why a request was not made, or not answered. */
class NotSent extends Error {}

export function createWebhooks({
  allow,
  resolve = resolveBySystem,
  ca,
  timeoutMs = TIMEOUT_MS,
}: WebhookOptions): Webhooks {
  async function send({ url: text, headers, body }: WebhookRequest): Promise<WebhookAnswer> {
    const begun = performance.now();
    const time = AbortSignal.timeout(timeoutMs);
    try {
      const checked = checkWebhookUrl(text, allow);
      if (!checked.ok) throw new NotSent(`The URL ${checked.problem}.`);
      const addresses = await within(time, pinned(checked.url));
      const answer = await exchange(checked.url, { addresses, headers, body, ca, time });
      return { ...answer, error: null, durationMs: since(begun) };
    } catch (error) {
      const reason = time.aborted ? `There was no answer within ${timeoutMs / 1000} s.` : reasonOf(error);
      return { status: null, retryAfter: null, excerpt: null, error: reason, durationMs: since(begun) };
    }
  }

  /** The addresses to connect to: asked for once, and each of them looked at, so no second answer can differ. */
  async function pinned(url: URL): Promise<readonly LookupAddress[]> {
    const addresses = await resolve(hostOf(url));
    if (addresses.length === 0) throw new NotSent('The host has no address.');
    if (isAllowedOrigin(url, allow)) return addresses;
    if (!addresses.every(({ address }) => isPublicAddress(address)))
      throw new NotSent('The host has an address that is not of the public internet.');
    return addresses;
  }

  return {
    send,
    findProblem(url) {
      const checked = checkWebhookUrl(url, allow);
      return checked.ok ? null : checked.problem;
    },
  };
}

interface Exchange {
  readonly addresses: readonly LookupAddress[];
  readonly headers: WebhookRequest['headers'];
  readonly body: string;
  readonly ca: string | undefined;
  readonly time: AbortSignal;
}

/**
 * One request on a connection of its own: none is kept, so none outlives the look at its addresses. Redirects are
 * answers like others. Of an answer's body the beginning is read, however long it is.
 */
function exchange(
  url: URL,
  { addresses, headers, body, ca, time }: Exchange,
): Promise<Pick<WebhookAnswer, 'status' | 'retryAfter' | 'excerpt'>> {
  const options: RequestOptions = {
    ...{ method: 'POST', agent: false, signal: time, lookup: pinnedLookup(addresses) },
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': USER_AGENT,
    },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? requestPlain : requestSecurely)(url, options);
    let finish = (error?: Error): void => reject(error ?? new NotSent('The request failed.'));
    request.on('error', (error) => finish(error));
    request.on('response', (response) => {
      let read = Buffer.alloc(0);
      // What it answered is known by now, also where the rest never comes.
      finish = () => {
        resolve({
          status: response.statusCode ?? null,
          retryAfter: response.headers['retry-after'] ?? null,
          excerpt: read.length === 0 ? null : toStorableText(read.toString('utf8')),
        });
        request.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        read = Buffer.concat([read, chunk]).subarray(0, MAX_EXCERPT_BYTES);
        if (read.length === MAX_EXCERPT_BYTES) finish();
      });
      for (const end of ['end', 'error', 'close']) response.on(end, () => finish());
    });
    request.end(body);
  });
}

/** Instead of asking again: what was looked at is what is connected to. The name stays that of the certificate. */
function pinnedLookup(addresses: readonly LookupAddress[]): RequestOptions['lookup'] {
  return (_host, { all }, done) => {
    if (all === true) return done(null, [...addresses]);
    const { address, family } = addresses[0]!;
    done(null, address, family);
  };
}

const lookupAll = promisify(lookup);

function resolveBySystem(host: string): Promise<readonly LookupAddress[]> {
  return lookupAll(host, { all: true, verbatim: true });
}

function within<T>(time: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) =>
      time.addEventListener('abort', () => reject(new NotSent('Out of time.')), { once: true }),
    ),
  ]);
}

const since = (begun: number): number => Math.round(performance.now() - begun);

/** For whoever reads the log: what the system calls it, without addresses. */
function reasonOf(error: unknown): string {
  if (error instanceof NotSent) return error.message;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `The request failed (${code}).` : 'The request failed.';
}
