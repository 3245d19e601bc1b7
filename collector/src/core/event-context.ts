import { isObject, type JsonObject } from './json-value';

/**
 * The context of an event: the batch's, and over it the event's own, key by key. `integrations`, which Segment's
 * clients send beside it, is kept in it as `context.integrations`: like all of the context it is about the call and not
 * about what happened. There, too, the event's own keys go before the batch's; an empty one says nothing and is left out.
 *
 * @param shared as {@link sharedContextOf} gives it
 */
export function mergeContext(
  { own, integrations }: { own: JsonObject | null; integrations: unknown },
  shared: JsonObject | null,
): JsonObject | null {
  const merged = shared === null ? own : { ...shared, ...own };
  return withoutAddress(withIntegrations(merged, integrations));
}

/** What a batch says of all its events. */
export function sharedContextOf({ context, integrations }: JsonObject): JsonObject | null {
  return withIntegrations(isObject(context) ? context : null, integrations);
}

function withIntegrations(context: JsonObject | null, given: unknown): JsonObject | null {
  if (given === undefined || given === null) return context;
  if (!isObject(given)) return { ...context, integrations: given };
  const before = context?.['integrations'];
  if (Object.keys(given).length === 0) return context;
  return { ...context, integrations: isObject(before) ? { ...before, ...given } : given };
}

/** No raw address of a visitor is stored. */
function withoutAddress(context: JsonObject | null): JsonObject | null {
  if (context === null || !('ip' in context)) return context;
  return Object.fromEntries(Object.entries(context).filter(([key]) => key !== 'ip'));
}
