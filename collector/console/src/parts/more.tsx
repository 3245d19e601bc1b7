import type { Pages } from '../use-answer';
import { Problem } from './problem';

/** What stands below a list: the next page's button, or why it did not come. */
export function More({ pages }: { readonly pages: Pages<unknown> }) {
  if (pages.failure && pages.items) return <Problem failure={pages.failure} onRetry={pages.loadMore} />;
  if (!pages.hasMore) return null;
  return (
    <div class="more">
      <button type="button" disabled={pages.loading} onClick={pages.loadMore}>
        {pages.loading ? 'Loading…' : 'Load more'}
      </button>
    </div>
  );
}
