import type { ComponentChild } from 'preact';
import { useRoute } from 'preact-iso';
import { Problem } from './parts/problem';
import { Empty, Screen, Skeleton } from './parts/screen';
import { type Answer, useAnswer } from './use-answer';

type Kind = 'audiences' | 'decisions' | 'destinations';

type ById<T> = Pick<Answer<T>, 'reload'> &
  (
    | { readonly value: T; readonly instead: null }
    /** What to show while it is read, where there is none, or where it cannot be read. */
    | { readonly value: undefined; readonly instead: ComponentChild }
  );

/** Reads what the page's address names. */
export function useById<T>(kind: Kind): ById<T> {
  const id = useRoute().params['id'] ?? '';
  const answer = useAnswer<T>(`/v1/${kind}/${encodeURIComponent(id)}`);
  const { value, reload } = answer;
  if (value !== undefined) return { value, reload, instead: null };
  return { value: undefined, reload, instead: <Instead kind={kind} answer={answer} /> };
}

function Instead({ kind, answer }: { readonly kind: Kind; readonly answer: Answer<unknown> }) {
  const { failure, reload } = answer;
  const one = kind.slice(0, -1);
  const title = one[0]!.toUpperCase() + one.slice(1);
  if (failure?.status === 404) {
    return (
      <Screen title={title}>
        <Empty title={`There is no such ${one}`}>
          <p>
            Perhaps it was deleted. <a href={`/console/${kind}`}>All {kind}</a>
          </p>
        </Empty>
      </Screen>
    );
  }
  return (
    <Screen title={title}>
      {failure ? <Problem failure={failure} onRetry={reload} /> : <Skeleton rows={6} />}
    </Screen>
  );
}
