import { MAX_EVENT_BYTES, takeBatch } from '../core/batch';
import { createReceipt } from '../core/receipt';
import type { DropReason, Receipt as PageReceipt } from '../core/receipt';
import type { NodeSettings } from './options';
import type { Receipt } from './receipt';
import type { Spool } from './spool';

/** An event that waits, in the order in which it came. */
export interface QueuedEvent {
  readonly messageId: string;
  /** Its place among all that this process has taken in. */
  readonly number: number;
  readonly json: string;
  /** Of its JSON in UTF-8. */
  readonly bytes: number;
  /** Called once, when it is known what became of it. */
  readonly conclude: (receipt: Receipt) => void;
  /** Lets it go from the directory. */
  readonly release: () => void;
}

/** What waits, oldest first. */
export interface Queue {
  /** Takes an event in, unless it is too large; then the directory has it, if there is one. */
  add(event: Pick<QueuedEvent, 'messageId' | 'json' | 'conclude'>): void;
  /** Takes in what dead processes left. */
  adopt(): void;
  count(): number;
  /** The number of the oldest that waits; Infinity where none does. */
  oldest(): number;
  /** The number of the newest that was taken in. */
  newest(): number;
  /** The next ones to send. They still wait, but are not dropped for want of room until they are put back. */
  take(maxEvents: number, maxBytes: number): readonly QueuedEvent[];
  putBack(): void;
  /** Something on the way does not let it through: what waits goes before it. */
  postpone(event: QueuedEvent): void;
  /** The collector has it. */
  accept(event: QueuedEvent): void;
  /** It is given up. */
  drop(event: QueuedEvent, reason: DropReason, detail?: string): void;
  /** Nothing more is done: what waits is kept in the directory, or dropped. */
  close(): void;
}

export interface QueueEdges extends Pick<NodeSettings, 'maxWaitingEvents' | 'maxWaitingBytes'> {
  readonly spool: Spool | undefined;
  /** Told of each event that is settled, also of those that dead processes left. */
  readonly tell: (receipt: PageReceipt) => void;
}

export function createQueue({ spool, tell, maxWaitingEvents, maxWaitingBytes }: QueueEdges): Queue {
  const waiting = new Set<QueuedEvent>();
  const postponed = new Set<QueuedEvent>();
  let flying: ReadonlySet<QueuedEvent> = new Set();
  let bytesWaiting = 0;
  let taken = 0;

  const settle = (event: QueuedEvent, reason?: DropReason, detail?: string): void => {
    if (!waiting.delete(event)) return;
    postponed.delete(event);
    bytesWaiting -= event.bytes;
    event.release();
    const receipt = createReceipt(event.messageId, reason, detail);
    event.conclude(receipt);
    tell(receipt);
  };
  const insert = (event: Omit<QueuedEvent, 'number'>): void => {
    waiting.add({ ...event, number: (taken += 1) });
    bytesWaiting += event.bytes;
    for (const oldest of waiting) {
      if (waiting.size <= maxWaitingEvents && bytesWaiting <= maxWaitingBytes) break;
      if (!flying.has(oldest)) settle(oldest, 'queue-full');
    }
  };

  return {
    add: ({ messageId, json, conclude }) => {
      const bytes = Buffer.byteLength(json);
      if (bytes > MAX_EVENT_BYTES) {
        const receipt = createReceipt(messageId, 'too-large');
        conclude(receipt);
        return tell(receipt);
      }
      insert({ messageId, json, bytes, conclude, release: spool?.write(json) ?? (() => undefined) });
    },
    adopt: () => {
      for (const { messageId, json, release } of spool?.adopt() ?? []) {
        insert({ messageId, json, bytes: Buffer.byteLength(json), conclude: () => undefined, release });
      }
    },
    count: () => waiting.size,
    oldest: () => Math.min(...[...firstOf(waiting, 1), ...postponed].map(({ number }) => number)),
    newest: () => taken,
    take: (maxEvents, maxBytes) => {
      const batch = takeBatch(firstOf(waiting, maxEvents), maxEvents, maxBytes);
      flying = new Set(batch);
      return batch;
    },
    putBack: () => {
      flying = new Set();
    },
    postpone: (event) => {
      waiting.delete(event);
      waiting.add(event);
      postponed.add(event);
    },
    accept: (event) => settle(event),
    drop: settle,
    close: () => {
      if (spool) waiting.forEach(({ conclude, messageId }) => conclude({ status: 'kept', messageId }));
      else waiting.forEach((event) => settle(event, 'closed'));
      waiting.clear();
      spool?.close();
    },
  };
}

function firstOf<T>(all: Iterable<T>, count: number): readonly T[] {
  const first: T[] = [];
  for (const one of all) {
    if (first.length === count) break;
    first.push(one);
  }
  return first;
}
