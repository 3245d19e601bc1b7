import { THROUGHLINE_NAMESPACE, uuidV5 } from './uuid';

/** What an order or a refund adds to its profile. */
export interface OrderFact {
  readonly kind: 'order' | 'refund';
  /** Made from order_id or refund_id, so that a repeated one is found; else null, and the event counts by itself. */
  readonly entryKey: string | null;
  /** An exact decimal, negative for a refund; null where the event names none that is usable. */
  readonly amount: string | null;
  /** ISO 4217, or null for the workspace's. */
  readonly currency: string | null;
  readonly warnings: readonly string[];
}

/** The names of Segment's e-commerce specification, and Google's synonyms; compared without regard to case. */
const KINDS: Readonly<Record<string, OrderFact['kind']>> = {
  'order completed': 'order',
  purchase: 'order',
  'order refunded': 'refund',
  refund: 'refund',
};

const AMOUNT_PROPERTIES = ['revenue', 'total', 'value', 'amount'] as const;
const DECIMAL = /^\d{1,15}(?:\.\d{1,10})?$/;
const MAX_AMOUNT = 1e15;

/**
 * Reads an order or a refund out of a track event; null where it is neither.
 *
 * @param name the track event's name
 * @param properties its properties; `order_id`, `refund_id`, `revenue` (else `total`, `value`, `amount`), `currency`
 */
export function readOrder(name: string, properties: Readonly<Record<string, unknown>>): OrderFact | null {
  const kind = KINDS[name.trim().toLowerCase()];
  if (kind === undefined) return null;
  const warnings: string[] = [];
  const given = AMOUNT_PROPERTIES.map((key) => properties[key]).find((value) => value != null);
  const amount = given === undefined ? null : readAmount(given);
  if (given === undefined) warnings.push('missing_amount');
  else if (amount === null) warnings.push('invalid_amount');
  const currency = readCurrency(properties['currency']);
  if (properties['currency'] != null && currency === null) warnings.push('invalid_currency');
  return {
    kind,
    entryKey: entryKeyOf(kind, properties[kind === 'order' ? 'order_id' : 'refund_id']),
    amount: amount !== null && kind === 'refund' ? negate(amount) : amount,
    currency,
    warnings,
  };
}

/** A JSON number or a plain decimal text, not negative; never what a lax parser would make of anything else. */
function readAmount(value: unknown): string | null {
  if (typeof value === 'number') {
    return Number.isFinite(value) && value >= 0 && value < MAX_AMOUNT ? String(Math.abs(value)) : null;
  }
  return typeof value === 'string' && DECIMAL.test(value) ? value : null;
}

function negate(amount: string): string {
  return `-${amount}`;
}

function readCurrency(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Za-z]{3}$/.test(value) ? value.toUpperCase() : null;
}

function entryKeyOf(kind: OrderFact['kind'], id: unknown): string | null {
  if (typeof id !== 'string' && typeof id !== 'number') return null;
  const text = String(id).trim();
  return text === '' ? null : uuidV5(THROUGHLINE_NAMESPACE, `${kind}:${text}`);
}
