/** Where a page sends: its source is known before the body is read. */
export function routeUrl(
  { host, writeKey }: { readonly host: string; readonly writeKey: string },
  route: string,
): string {
  return `${host.replace(/\/+$/, '')}/v1/${route}?writeKey=${encodeURIComponent(writeKey)}`;
}

/** What goes to the collector, and the only answers of it that count: `POST {host}/v1/batch`. */
export type EventType = 'track' | 'identify' | 'page' | 'screen' | 'group' | 'alias';

/** A JSON object as a page hands it over; what is not JSON in it is replaced (see snapshot). */
export type Properties = Readonly<Record<string, unknown>>;

/** One event of a batch. Times are ISO 8601 with milliseconds. */
export interface WireEvent {
  readonly type: EventType;
  readonly messageId: string;
  readonly timestamp: string;
  /** A server may know a visitor by user ID alone. */
  readonly anonymousId?: string | undefined;
  readonly userId?: string | undefined;
  readonly event?: string | undefined;
  readonly name?: string | undefined;
  readonly groupId?: string | undefined;
  readonly previousId?: string | undefined;
  readonly properties?: Properties | undefined;
  readonly traits?: Properties | undefined;
  readonly integrations?: Properties | undefined;
  readonly context: Properties;
}

/** Why the collector refused one event; `index` is its place in the batch. */
export interface Rejection {
  readonly index: number;
  readonly messageId?: string;
  readonly code: string;
  readonly message: string;
}

/** What an HTTP request came back with; `status` 0 is no answer at all. `body` is parsed JSON, else undefined. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body?: unknown;
}

/** The wire's form of a batch; each event is JSON already. */
export function batchBody(events: readonly string[], sentAt: string): string {
  return `{"batch":[${events.join()}],"sentAt":"${sentAt}"}`;
}

/**
 * The refused events of a verdict, or undefined where the answer is not the collector's or does not account
 * for every event that was sent: a proxy's cheerful page must not delete anything.
 */
export function readRejections(body: unknown, sent: number): readonly Rejection[] | undefined {
  const { accepted, duplicates, rejected } = (body ?? {}) as Readonly<Record<string, unknown>>;
  // With anything but numbers the sum is not a number, or a text, and equals nothing.
  return Array.isArray(rejected) && (accepted as number) + (duplicates as number) + rejected.length === sent
    ? (rejected as Rejection[])
    : undefined;
}

/** Whether an error was said by the collector: `{error: {code, message}}`. */
export function isCollectorError(body: unknown): boolean {
  return (
    typeof (body as { readonly error?: { readonly code?: unknown } } | undefined)?.error?.code === 'string'
  );
}
