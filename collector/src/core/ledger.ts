import { mergeRegisters, type Registers } from './traits';

export interface PartKey {
  readonly ownerId: string;
  readonly subjectId: string;
}

/** What a part of a profile gains or loses. Times in milliseconds since 1970. */
export interface PartSum extends PartKey {
  readonly events: number;
  readonly pages: number;
  readonly orders: number;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly registers: Registers;
}

/** An exact decimal, never added up here: doubles would round. */
export interface RevenueSum extends PartKey {
  readonly currency: string;
  readonly amount: string;
}

export interface Ledger {
  add(sum: PartSum): void;
  addRevenue(sum: RevenueSum): void;
  /** One sum a part, in sorted order. */
  parts(): PartSum[];
  revenue(): readonly RevenueSum[];
}

/** Collects what one transaction does to parts, so that each is written once. */
export function createLedger(): Ledger {
  const parts = new Map<string, PartSum>();
  const revenue: RevenueSum[] = [];
  return {
    add(sum) {
      const key = `${sum.ownerId}/${sum.subjectId}`;
      const other = parts.get(key);
      parts.set(key, other === undefined ? sum : combine(other, sum));
    },
    addRevenue(sum) {
      revenue.push(sum);
    },
    parts: () => [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum),
    revenue: () => revenue,
  };
}

function combine(a: PartSum, b: PartSum): PartSum {
  return {
    ownerId: a.ownerId,
    subjectId: a.subjectId,
    events: a.events + b.events,
    pages: a.pages + b.pages,
    orders: a.orders + b.orders,
    firstSeenAt: Math.min(a.firstSeenAt, b.firstSeenAt),
    lastSeenAt: Math.max(a.lastSeenAt, b.lastSeenAt),
    registers: mergeRegisters(a.registers, b.registers),
  };
}

/** The same amount with the other sign. */
export function negate(amount: string): string {
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}
