import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, type Failure } from './api';
import type { Page } from './wire';

export interface Answer<T> {
  /** The last good answer; it stays while the next one is on its way, so that nothing flickers. */
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Reads one resource, again whenever its address changes; the answer to an address that was left is dropped. */
export function useAnswer<T>(url: string): Answer<T> {
  const [state, setState] = useState<Omit<Answer<T>, 'reload'>>(UNREAD);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    get<T>(url, left.signal).then(
      (answer) => {
        if (answer.ok) setState({ value: answer.value, failure: undefined, loading: false });
        else setState((before) => ({ value: before.value, failure: answer, loading: false }));
      },
      () => undefined, // given up: the next address is being read already
    );
    return () => left.abort();
  }, [url, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, reload };
}

export interface Pages<T> extends Omit<Answer<readonly T[]>, 'value'> {
  readonly items: readonly T[] | undefined;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

/** A list that grows by its cursor. `url` is the first page's address; a new one begins anew. */
export function usePages<T>(url: string): Pages<T> {
  const first = useAnswer<Page<T>>(url);
  const [rest, setRest] = useState<Rest<T>>({ of: undefined, items: [], nextCursor: null });
  const [more, setMore] = useState<{ readonly loading: boolean; readonly failure?: Failure }>({
    loading: false,
  });
  const current = rest.of === first.value ? rest : undefined;
  const nextCursor = current ? current.nextCursor : (first.value?.nextCursor ?? null);

  const loadMore = async (): Promise<void> => {
    if (nextCursor === null || more.loading) return;
    setMore({ loading: true });
    const separator = url.includes('?') ? '&' : '?';
    const answer = await get<Page<T>>(`${url}${separator}cursor=${encodeURIComponent(nextCursor)}`);
    if (!answer.ok) return setMore({ loading: false, failure: answer });
    setRest({
      of: first.value,
      items: [...(current?.items ?? []), ...answer.value.data],
      nextCursor: answer.value.nextCursor,
    });
    setMore({ loading: false });
  };

  return {
    items: first.value && [...first.value.data, ...(current?.items ?? [])],
    failure: first.failure ?? more.failure,
    loading: first.loading || more.loading,
    reload: first.reload,
    hasMore: nextCursor !== null,
    loadMore,
  };
}

/** What followed the first page `of`; when the first page is read anew, it no longer counts. */
interface Rest<T> {
  readonly of: Page<T> | undefined;
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

const UNREAD = { value: undefined, failure: undefined, loading: true } as const;
