import { isObject } from './json-value';

/** What was said of a trait, and when: [value, at (ISO, UTC, milliseconds), messageId]. Last writer wins; null is a tombstone. */
export type Register = readonly [value: unknown, at: string, messageId: string];
export type Registers = Readonly<Record<string, Register>>;

export const NO_REGISTERS: Registers = {};

/** Where identify says what holds only while nothing was said before. */
export const ONCE = '$once';

/**
 * Before the key of a once-only register: first writer wins. It stands among the others, since it is kept, merged and
 * moved as they are. Nobody else's key can begin so (see {@link registersOf}).
 */
export const ONCE_PREFIX = `${ONCE}.`;

/** The register of a once-only trait has this key. */
export const onceKeyOf = (trait: string): string => ONCE_PREFIX + trait;

/** The trait that a register's key is about, and whether it is a once-only one. */
export function traitOfKey(key: string): { readonly trait: string; readonly isOnce: boolean } {
  const isOnce = key.startsWith(ONCE_PREFIX);
  return { trait: isOnce ? key.slice(ONCE_PREFIX.length) : key, isOnce };
}

/** The registers that one identify call writes. A once-only null says nothing: it must not be the first for ever. */
export function registersOf(
  traits: Readonly<Record<string, unknown>>,
  { occurredAt, messageId }: { occurredAt: number; messageId: string },
): Registers {
  const at = new Date(occurredAt).toISOString();
  const registers: Record<string, Register> = {};
  const { [ONCE]: once, ...others } = traits;
  for (const [key, value] of Object.entries(others)) {
    if (!key.startsWith(ONCE_PREFIX)) registers[key] = [value, at, messageId];
  }
  for (const [trait, value] of Object.entries(isObject(once) ? once : {})) {
    if (value !== null) registers[onceKeyOf(trait)] = [value, at, messageId];
  }
  return registers;
}

/** Whether what the traits say once only, if anything, has the shape of traits. */
export function isOnceReadable(traits: Readonly<Record<string, unknown>> | null): boolean {
  const once = traits?.[ONCE];
  return once === undefined || once === null || isObject(once);
}

/** For each key the register that stands: associative, commutative, idempotent. */
export function mergeRegisters(a: Registers, b: Registers): Registers {
  if (a === NO_REGISTERS) return b;
  if (b === NO_REGISTERS) return a;
  const merged: Record<string, Register> = { ...a };
  for (const [key, register] of Object.entries(b)) {
    const other = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (other === undefined || isLater(register, other) !== key.startsWith(ONCE_PREFIX))
      merged[key] = register;
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

/**
 * Whether a register is what its trait says now. Where a trait was said both ways the ordinary one stands, also where it
 * is null: who removes a trait does not expect an older value to come back.
 */
export function isShown(registers: Registers, key: string): boolean {
  const { trait, isOnce } = traitOfKey(key);
  return registers[key]![0] !== null && !(isOnce && Object.hasOwn(registers, trait));
}

/** What the registers say now: tombstones are left out. */
export function valuesOf(registers: Registers): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(registers)
      .filter(([key]) => isShown(registers, key))
      .map(([key, [value]]) => [traitOfKey(key).trait, value]),
  );
}
