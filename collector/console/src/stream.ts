/** Server-sent events that stay open. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;

export type FeedState = 'connecting' | 'live' | 'waiting';

interface KeepOpen<T> {
  /** Opens it, also again. */
  readonly open: () => EventSource;
  /** The name of what is listened to. */
  readonly message: string;
  /** The stream was refused outright; a 401 is found out here. */
  readonly onRefused: () => void;
  readonly onMessage: (value: T) => void;
  readonly onState: (state: FeedState) => void;
}

/** An EventSource comes back by itself after a broken connection, but gives up after a refusal: then we do. @returns what closes it */
export function keepOpen<T>({ open, message, onRefused, onMessage, onState }: KeepOpen<T>): () => void {
  let source: EventSource;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let retryAfterMs = FIRST_RETRY_MS;
  const begin = (): void => {
    source = open();
    source.addEventListener('open', () => {
      retryAfterMs = FIRST_RETRY_MS;
      onState('live');
    });
    source.addEventListener(message, (event: MessageEvent<string>) => onMessage(JSON.parse(event.data) as T));
    source.addEventListener('error', () => {
      onState('waiting');
      if (source.readyState !== source.CLOSED) return;
      onRefused();
      retry = setTimeout(begin, retryAfterMs);
      retryAfterMs = Math.min(retryAfterMs * 2, LONGEST_RETRY_MS);
    });
  };
  onState('connecting');
  begin();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}
