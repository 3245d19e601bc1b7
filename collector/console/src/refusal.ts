import type { Failure } from './wire';

/** What is wrong with what was sent, in words that can be shown. */
export interface Fault {
  /** Where, such as `rule.all[1].gte` or `name`; empty when it is about the whole. */
  readonly path: string;
  readonly message: string;
}

/** What did not happen, and why. */
export interface Refusal {
  readonly what: string;
  readonly faults: readonly Fault[];
}

/** The collector names the path of each fault; without paths, its message is all there is to say. */
export function faultsOf(failure: Failure): readonly Fault[] {
  const detail = Array.isArray(failure.detail) ? (failure.detail as unknown[]) : [];
  const named = detail
    .filter(isFault)
    .map(({ path, message }) => ({ path: path.replace(/^body\.?/, ''), message }));
  if (named.length > 0) return named;
  return [{ path: failure.code === 'key_taken' ? 'key' : '', message: failure.message }];
}

/** Those about one of these places, or about something within it; only the latter need say where. */
export function faultsAt(refusal: Refusal | null, ...places: readonly string[]): readonly Fault[] {
  return (refusal?.faults ?? [])
    .filter(({ path }) => places.some((place) => isWithin(path, place)))
    .map(({ path, message }) => ({ path: places.includes(path) ? '' : path, message }));
}

/** Those that no field shows, where these are the places of the fields. */
export function faultsElsewhere(refusal: Refusal, places: readonly string[]): readonly Fault[] {
  return refusal.faults.filter(({ path }) => !places.some((place) => isWithin(path, place)));
}

function isWithin(path: string, place: string): boolean {
  return path === place || (path.startsWith(place) && /^[.[]/.test(path.slice(place.length)));
}

type ReadJson =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** JSON as somebody writes it. */
export function readJson(text: string): ReadJson {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `This is not JSON yet: ${message}` };
  }
}

function isFault(value: unknown): value is Fault {
  if (typeof value !== 'object' || value === null) return false;
  const { path, message } = value as { path?: unknown; message?: unknown };
  return typeof path === 'string' && typeof message === 'string';
}
