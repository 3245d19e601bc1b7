/** Calls of a visitor, short enough to be read as a story: what it is called (its message ID), when, and who. */

export interface Who {
  readonly userId?: string;
  readonly anonymousId?: string;
  readonly previousId?: string;
  readonly traits?: object;
}

const MORNING = Date.parse('2026-06-15T08:00:00.000Z');

/** A moment of the morning, by its minute. */
export function at(minute: number): string {
  return new Date(MORNING + minute * 60_000).toISOString();
}

export const looked = (messageId: string, minute: number, { traits, ...who }: Who) =>
  call('page', messageId, { timestamp: at(minute), ...who, ...(traits && { context: { traits } }) });

export const signedIn = (messageId: string, minute: number, who: Who) =>
  call('identify', messageId, { timestamp: at(minute), ...who });

export const aliased = (messageId: string, minute: number, who: Who) =>
  call('alias', messageId, { timestamp: at(minute), ...who });

export const bought = (messageId: string, minute: number, who: Who & { readonly revenue: number }) => {
  const { revenue, ...ids } = who;
  const order = { event: 'Order Completed', properties: { order_id: `order of ${messageId}`, revenue } };
  return call('track', messageId, { timestamp: at(minute), ...order, ...ids });
};

function call(type: string, messageId: string, rest: object) {
  return { type, messageId, ...rest };
}
