import { session } from './session';
import type { Failure, Workspace } from './wire';

export type Result<T> = { readonly ok: true; readonly value: T } | Failure;

/** Query parameters; absent and empty ones are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly csv?: string;
  readonly signal?: AbortSignal;
}

/** A path below the collector's origin with its query, for a request or a plain link. */
export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

export function get<T>(url: string, signal?: AbortSignal): Promise<Result<T>> {
  return call<T>(url, signal ? { method: 'GET', signal } : { method: 'GET' });
}

export function post<T>(url: string, body?: unknown): Promise<Result<T>> {
  return call<T>(url, { method: 'POST', body });
}

export function patch<T>(url: string, body: unknown): Promise<Result<T>> {
  return call<T>(url, { method: 'PATCH', body });
}

export function put<T>(url: string, body?: unknown): Promise<Result<T>> {
  return call<T>(url, { method: 'PUT', body });
}

export function postCsv<T>(url: string, csv: string): Promise<Result<T>> {
  return call<T>(url, { method: 'POST', csv });
}

export function remove(url: string): Promise<Result<null>> {
  return call<null>(url, { method: 'DELETE' });
}

/** Asks who is signed in, and says so in `session`. */
export async function openSession(): Promise<void> {
  const answer = await get<{ workspace: Workspace }>('/v1/session');
  if (answer.ok) session.value = { state: 'signed-in', workspace: answer.value.workspace };
  // Who is in stays in while the collector cannot say: what is shown remains, and each page says what fails.
  else if (answer.status !== 401 && session.value.state !== 'signed-in')
    session.value = { state: 'unreachable', failure: answer };
}

export async function closeSession(): Promise<Result<null>> {
  const answer = await remove('/v1/session');
  if (answer.ok) session.value = { state: 'signed-out' };
  return answer;
}

/** Never throws, except the AbortError of a call that its own caller gave up. */
async function call<T>(url: string, { method, signal, ...sent }: Call): Promise<Result<T>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      ...contentOf(sent),
      ...(signal ? { signal } : {}),
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    return {
      ok: false,
      status: 0,
      code: 'unreachable',
      message: 'The collector does not answer. Is it running?',
    };
  }
  const json = parse(text);
  if (response.ok && json.ok) return { ok: true, value: json.value as T };
  if (response.status === 401) session.value = { state: 'signed-out' };
  return failureOf(response, json.ok ? json.value : undefined);
}

function contentOf({ body, csv }: Pick<Call, 'body' | 'csv'>): Pick<RequestInit, 'headers' | 'body'> {
  const accept = 'application/json';
  if (csv !== undefined) return { headers: { accept, 'content-type': 'text/csv' }, body: csv };
  if (body === undefined) return { headers: { accept } };
  return { headers: { accept, 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function parse(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  if (text === '') return { ok: true, value: null };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** The collector's `{error:{code,message,detail?}}`; anything else came from something in between. */
function failureOf(response: Response, body: unknown): Failure {
  const { status } = response;
  const error = (
    body as { error?: { code?: unknown; message?: unknown; detail?: unknown } } | null | undefined
  )?.error;
  if (typeof error?.code !== 'string' || typeof error.message !== 'string') {
    return {
      ok: false,
      status,
      code: 'foreign_answer',
      message: `Something other than the collector answered (HTTP ${status}).`,
    };
  }
  const wait = Number(response.headers.get('retry-after'));
  const message = wait > 0 ? `${error.message} Try again in ${wait} s.` : error.message;
  return { ok: false, status, code: error.code, message, detail: error.detail };
}
