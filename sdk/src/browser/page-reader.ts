import { readCampaign, UTM_OR_CLICK_ID } from '../core/campaign';
import { readContext } from './page-context';
import type { ReadPage } from './page-context';

/** A fragment may be of any length, too. */
const MAX_ROUTE_LENGTH = 1_000;

/**
 * Reads the page, click IDs too; where it is viewed, whoever moves on inside it comes from where they were.
 *
 * @param hasHashRoutes whether fragments that begin with `#/` or `#!/` are pages of their own
 */
export function createPageReader(hasHashRoutes: boolean): ReadPage {
  let viewed = '';
  let before = '';

  return (isView) => {
    const context = readContext();
    const { page } = context;
    if (!page) return context;
    const { hash } = location;
    const route = hasHashRoutes && /^#!?\//.test(hash) ? hash.slice(0, MAX_ROUTE_LENGTH) : '';
    const url = page.url + route;
    if (isView && url !== viewed) {
      before = viewed;
      viewed = url;
    }
    return {
      ...context,
      page: { ...page, path: page.path + route, url, referrer: before || page.referrer },
      campaign: readCampaign(page.search, UTM_OR_CLICK_ID),
    };
  };
}
