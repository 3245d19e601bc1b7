import type { Pages } from '../use-answer';
import { Problem } from './problem';

/** What stands below a list: the next page's button, or why it did not come. */
export function More({
  pages,
  label = 'Load more',
}: {
  readonly pages: Pages<unknown>;
  readonly label?: string | undefined;
}) {
  if (!pages.items || !pages.hasMore) return null;
  if (pages.moreFailure) return <Problem failure={pages.moreFailure} onRetry={pages.loadMore} />;
  return (
    <div class="more">
      <button type="button" disabled={pages.loading} onClick={pages.loadMore}>
        {pages.loading ? 'Loading…' : label}
      </button>
    </div>
  );
}
