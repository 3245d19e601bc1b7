import type { Subscriptions } from './subscriptions';

/**
 * Why events were dropped: `too-large` (beyond 32 KB as JSON), `queue-full` (the oldest of more than 5,000 events
 * or 5 MB waiting), `expired` (waiting for more than 30 days), `rejected` (the collector refused the event; the
 * detail is its code and message), `refused` (the collector refused a request with nothing but this event in
 * it), `failed` (the page's own objects, or a plugin, broke while the call was read), `plugin` (a plugin kept it
 * back), `consent` (the visitor has not agreed, or no longer does), `closed` (called after `close()`, or on a server).
 */
export type DropReason =
  | 'too-large'
  | 'queue-full'
  | 'expired'
  | 'rejected'
  | 'refused'
  | 'failed'
  | 'plugin'
  | 'consent'
  | 'closed';

/** What became of an event. */
export interface Receipt {
  readonly messageId: string;
  /**
   * `accepted`: the collector has stored it for good, now or when a copy of it came before. `rejected`: the
   * collector refused it. `dropped`: it was given up before.
   */
  readonly status: 'accepted' | 'rejected' | 'dropped';
  /** Why, if it was not accepted. */
  readonly reason?: DropReason | undefined;
  readonly detail?: string | undefined;
}

/** Says what became of an event; without a reason it was accepted. */
export type Tell = (messageId: string, reason?: DropReason, detail?: string) => void;

export function createReceipt(messageId: string, reason?: DropReason, detail?: string): Receipt {
  const status = !reason ? 'accepted' : reason === 'rejected' ? reason : 'dropped';
  return { messageId, status, reason, detail };
}

/** The calls that wait for their receipts, and who else is told of each receipt. */
export function createReceipts(emit: Subscriptions['emit']): {
  readonly tell: Tell;
  readonly expect: (messageId: string, resolve: (receipt: Receipt) => void) => void;
} {
  const waiting = new Map<string, (receipt: Receipt) => void>();
  return {
    expect: (messageId, resolve) => void waiting.set(messageId, resolve),
    tell: (messageId, ...why) => {
      const receipt = createReceipt(messageId, ...why);
      waiting.get(messageId)?.(receipt);
      waiting.delete(messageId);
      emit(receipt.reason ? 'drop' : 'sent', receipt);
    },
  };
}

/** A request that brought no verdict. Nothing is lost by it. */
export interface DeliveryError {
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /**
   * What follows: another try after a while (`retry`) or after the time that the collector asked for (`hold`), or in
   * halves (`split`); none in this page, for the key is refused (`stop`); the one event is given up (`refused`,
   * `too-large`).
   */
  readonly next: 'retry' | 'hold' | 'split' | 'stop' | 'refused' | 'too-large';
}
