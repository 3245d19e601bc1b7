import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, type Result } from './api';
import { toastFailure } from './toasts';
import type { Failure, Page } from './wire';

export interface Answer<T> {
  /** The last good answer; it stays while the same resource is read again, so that nothing flickers. */
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Reads one resource, again whenever its address changes; the answer to an address that was left is dropped. Where
 * reading again fails, what is shown stays, and a toast says so.
 */
export function useAnswer<T>(url: string): Answer<T> {
  const [state, setState] = useState<State<T>>({ of: pathOf(url), ...UNREAD });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    const of = pathOf(url);
    setState((before) => (before.of === of ? { ...before, loading: true } : { of, ...UNREAD }));
    const take = (answer: Result<T>): void => {
      if (answer.ok) return setState({ of, value: answer.value, failure: undefined, loading: false });
      setState((before) => {
        if (before.value !== undefined) toastFailure(answer);
        return { of, value: before.value, failure: answer, loading: false };
      });
    };
    get<T>(url, left.signal).then(take, () => undefined); // given up: the next address is being read already
    return () => left.abort();
  }, [url, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { value: state.value, failure: state.failure, loading: state.loading, reload };
}

/** Reads again when `sign` changes, not when it is first seen. */
export function useReload(reload: () => void, sign: unknown): void {
  const seen = useRef(sign);
  useEffect(() => {
    if (seen.current !== sign) reload();
    seen.current = sign;
  }, [sign]);
}

export interface Pages<T, P extends Page<T> = Page<T>> {
  /** The first page with all that it says; undefined while it is not there. */
  readonly first: P | undefined;
  /** undefined while the first page is not there. */
  readonly items: readonly T[] | undefined;
  /** Why the first page did not come. */
  readonly failure: Failure | undefined;
  /** Why the next page did not come. */
  readonly moreFailure: Failure | undefined;
  readonly loading: boolean;
  readonly hasMore: boolean;
  /** About how many there are on all pages, where the list says so. */
  readonly total: number | undefined;
  readonly reload: () => void;
  readonly loadMore: () => Promise<void>;
}

/** A list that grows by its cursor. `url` is the first page's address; another one begins anew. */
export function usePages<T, P extends Page<T> = Page<T>>(url: string): Pages<T, P> {
  const [first, reload] = useFirstPage<P>(url);
  const [rest, setRest] = useState<Rest<T>>(NOTHING_MORE);
  const current: Rest<T> = rest.of === first.value ? rest : { ...NOTHING_MORE, of: first.value };
  const nextCursor = current.last ? current.last.nextCursor : (first.value?.nextCursor ?? null);

  const loadMore = async (): Promise<void> => {
    if (nextCursor === null || current.loading) return;
    setRest({ ...current, loading: true, failure: undefined });
    const separator = url.includes('?') ? '&' : '?';
    const answer = await get<Page<T>>(`${url}${separator}cursor=${encodeURIComponent(nextCursor)}`);
    if (!answer.ok) return setRest({ ...current, loading: false, failure: answer });
    const items = [...current.items, ...answer.value.data];
    setRest({ of: first.value, items, last: answer.value, loading: false, failure: undefined });
  };

  return {
    first: first.value,
    items: first.value && [...first.value.data, ...current.items],
    failure: first.failure,
    moreFailure: current.failure,
    loading: first.loading || current.loading,
    hasMore: nextCursor !== null,
    total: first.value?.estimatedTotal,
    reload,
    loadMore,
  };
}

/** A list that could not be read is not shown as it was: under another search or filter it would say what is not so. */
function useFirstPage<P>(url: string): readonly [Omit<State<P>, 'of'>, () => void] {
  const { reload, ...first } = useAnswer<P>(url);
  return [first.failure ? { ...first, value: undefined } : first, reload];
}

interface State<T> extends Omit<Answer<T>, 'reload'> {
  /** The resource that it is about; a query does not make another one. */
  readonly of: string;
}

/** What followed the first page `of`; when that is read anew, this no longer counts. */
interface Rest<T> {
  readonly of: Page<T> | undefined;
  readonly items: readonly T[];
  readonly last: Page<T> | undefined;
  readonly loading: boolean;
  readonly failure: Failure | undefined;
}

const UNREAD = { value: undefined, failure: undefined, loading: true } as const;
const NOTHING_MORE = {
  of: undefined,
  items: [],
  last: undefined,
  loading: false,
  failure: undefined,
} as const;

function pathOf(url: string): string {
  return url.split('?')[0]!;
}
