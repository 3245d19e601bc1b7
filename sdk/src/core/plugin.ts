import type { WireEvent } from './wire';

/**
 * Sees each event before it is stored: what it returns is recorded (the same event, changed or not, or another
 * one); without an event it is dropped. One that throws drops the event too: a mask that breaks must not leak.
 * Type, messageId and timestamp stay as they are.
 */
export type Plugin = (event: WireEvent) => WireEvent | null | undefined | false | void;

/** What the plugins make of an event; what only the tracker can know stays as it is. */
export function applyPlugins(event: WireEvent, plugins: readonly Plugin[]): WireEvent | undefined {
  const { type, messageId, timestamp } = event;
  let changed: ReturnType<Plugin> = event;
  for (const plugin of plugins) {
    changed = plugin(changed);
    if (!changed) return undefined;
  }
  return { ...changed, type, messageId, timestamp };
}
