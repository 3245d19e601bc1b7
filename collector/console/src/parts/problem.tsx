import type { Failure } from '../wire';
import { Icon } from './icon';

interface ProblemProps {
  readonly failure: Failure;
  readonly onRetry?: () => void;
}

/** What went wrong, where its result would have stood. */
export function Problem({ failure, onRetry }: ProblemProps) {
  return (
    <div class="problem" role="alert">
      <Icon name="warning" />
      <p>{failure.message}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
