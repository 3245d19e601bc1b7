/** A last-writer-wins register: [value, at (ISO, UTC, milliseconds), messageId]; a null value is a tombstone. */
export type Register = readonly [value: unknown, at: string, messageId: string];
export type Registers = Readonly<Record<string, Register>>;

export const NO_REGISTERS: Registers = {};

/** The registers that one identify call writes. */
export function registersOf(
  traits: Readonly<Record<string, unknown>>,
  { occurredAt, messageId }: { occurredAt: number; messageId: string },
): Registers {
  const at = new Date(occurredAt).toISOString();
  return Object.fromEntries(
    Object.entries(traits).map(([key, value]) => [key, [value, at, messageId] as const]),
  );
}

/** For each key the register with the greater (time, message ID): associative, commutative, idempotent. */
export function mergeRegisters(a: Registers, b: Registers): Registers {
  if (a === NO_REGISTERS) return b;
  if (b === NO_REGISTERS) return a;
  const merged: Record<string, Register> = { ...a };
  for (const [key, register] of Object.entries(b)) {
    const other = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (other === undefined || isLater(register, other)) merged[key] = register;
  }
  return merged;
}

/** Those of the registers that are not among the lost ones. */
export function registersWithout(registers: Registers, lost: Registers): Registers {
  return Object.fromEntries(
    Object.entries(registers).filter(([key, [, at, messageId]]) => {
      const other = lost[key];
      return other === undefined || other[1] !== at || other[2] !== messageId;
    }),
  );
}

function isLater(a: Register, b: Register): boolean {
  return a[1] === b[1] ? a[2] > b[2] : a[1] > b[1];
}

/** What the registers say now: tombstones are left out. */
export function valuesOf(registers: Registers): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(registers)
      .filter(([, [value]]) => value !== null)
      .map(([key, [value]]) => [key, value]),
  );
}
