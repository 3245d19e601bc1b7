import { mergeRegisters, NO_REGISTERS, type Registers } from './traits';
import { type Marks, mergeMarks, NO_MARKS } from './visit';

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
  readonly marks: Marks;
}

/** An exact decimal, never added up here: doubles would round. */
export interface RevenueSum extends PartKey {
  readonly currency: string;
  readonly amount: string;
}

export interface Ledger {
  /** What is left out of a sum adds nothing; of an empty one the part is listed all the same. */
  add(sum: PartKey & Partial<PartSum>): void;
  addRevenue(sum: RevenueSum): void;
  /** One sum a part, in sorted order. */
  parts(): PartSum[];
  revenue(): readonly RevenueSum[];
}

/** Collects what one transaction does to parts, so that each is written once. */
export function createLedger(): Ledger {
  // Summed up in place: an object for every event that is added was a tenth of the write path's work.
  const parts = new Map<string, { -readonly [Key in keyof PartSum]: PartSum[Key] }>();
  const revenue: RevenueSum[] = [];
  return {
    add(sum) {
      const key = `${sum.ownerId}/${sum.subjectId}`;
      let part = parts.get(key);
      if (part === undefined) {
        part = emptyPart(sum);
        parts.set(key, part);
      }
      part.events += sum.events ?? 0;
      part.pages += sum.pages ?? 0;
      part.orders += sum.orders ?? 0;
      part.firstSeenAt = Math.min(part.firstSeenAt, sum.firstSeenAt ?? Infinity);
      part.lastSeenAt = Math.max(part.lastSeenAt, sum.lastSeenAt ?? -Infinity);
      if (sum.registers !== undefined) part.registers = mergeRegisters(part.registers, sum.registers);
      if (sum.marks !== undefined) {
        part.marks = part.marks === NO_MARKS ? sum.marks : mergeMarks(part.marks, sum.marks);
      }
    },
    addRevenue(sum) {
      revenue.push(sum);
    },
    parts: () => [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum),
    revenue: () => revenue,
  };
}

function emptyPart({ ownerId, subjectId }: PartKey): PartSum {
  return {
    ownerId,
    subjectId,
    events: 0,
    pages: 0,
    orders: 0,
    firstSeenAt: Infinity,
    lastSeenAt: -Infinity,
    registers: NO_REGISTERS,
    marks: NO_MARKS,
  };
}

/** The same amount with the other sign. */
export function negate(amount: string): string {
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}
