import type { LiveEvent } from './db/events';

export interface LiveFeedOptions {
  readonly now: () => Date;
  /** The newest events received since a moment, oldest first, at most `limit`. */
  readonly read: (
    workspaceId: string,
    query: { since: Date; limit: number },
  ) => Promise<readonly LiveEvent[]>;
  readonly onError: (error: unknown) => void;
}

export interface Subscriber {
  readonly onEvent: (event: LiveEvent) => void;
  readonly onClose: () => void;
}

export interface LiveFeed {
  /** Tells of events that arrive from now on; returns its undo. */
  subscribe(workspaceId: string, subscriber: Subscriber): () => void;
  close(): void;
}

const POLL_MS = 300;
/** A transaction may commit later than its events were received; what is younger than this is looked at again. */
const LOOK_BACK_MS = 5_000;
/** Under load the feed is a sample of the newest. */
const MAX_EVENTS = 200;

/**
 * One poll a workspace, however many watch, and none while nobody does. It reads the database instead of listening
 * to this process, so that events which another collector took are shown too; and it needs no LISTEN, which a
 * transaction pooler does not carry.
 */
export function createLiveFeed({ now, read, onError }: LiveFeedOptions): LiveFeed {
  const workspaces = new Map<string, { subscribers: Set<Subscriber>; stop: () => void }>();

  function watch(workspaceId: string, subscribers: Set<Subscriber>): () => void {
    const startedAt = now().getTime();
    let seen = new Map<string, number>();
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const poll = async () => {
      const since = Math.max(startedAt, now().getTime() - LOOK_BACK_MS);
      try {
        const events = await read(workspaceId, { since: new Date(since), limit: MAX_EVENTS });
        for (const event of events.filter(({ messageId }) => !seen.has(messageId))) {
          for (const { onEvent } of subscribers) onEvent(event);
        }
        const received = events.map((event) => [event.messageId, event.receivedAt.getTime()] as const);
        seen = new Map([...[...seen].filter(([, at]) => at >= since), ...received]);
      } catch (error) {
        onError(error);
      }
      if (!isStopped) timer = setTimeout(() => void poll(), POLL_MS);
    };
    void poll();
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  }

  return {
    subscribe(workspaceId, subscriber) {
      let workspace = workspaces.get(workspaceId);
      if (workspace === undefined) {
        const subscribers = new Set<Subscriber>();
        workspace = { subscribers, stop: watch(workspaceId, subscribers) };
        workspaces.set(workspaceId, workspace);
      }
      const { subscribers, stop } = workspace;
      subscribers.add(subscriber);
      return () => {
        subscribers.delete(subscriber);
        if (subscribers.size > 0 || workspaces.get(workspaceId)?.subscribers !== subscribers) return;
        stop();
        workspaces.delete(workspaceId);
      };
    },
    close() {
      for (const { subscribers, stop } of workspaces.values()) {
        stop();
        for (const { onClose } of subscribers) onClose();
      }
      workspaces.clear();
    },
  };
}
