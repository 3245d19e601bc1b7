import type { DeliveryError, Receipt as PageReceipt } from '../core/receipt';

/** What became of an event. */
export interface Receipt extends Omit<PageReceipt, 'status'> {
  /**
   * `accepted`: the collector has stored it for good, now or when a copy of it came before. `rejected`: the collector
   * refused it. `dropped`: it was given up before. `kept`: the tracker was closed before; the directory has it for the
   * next process.
   */
  readonly status: PageReceipt['status'] | 'kept';
}

/** What went wrong and is tried again: of a request also with the status and what follows, as in a page. */
export type TrackingError = Error & Partial<DeliveryError>;
