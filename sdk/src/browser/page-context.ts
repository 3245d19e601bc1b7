import { attempt } from '../core/attempt';
import { readCampaign } from '../core/campaign';
import type { Properties } from '../core/wire';

/** Asked once: it takes a tenth of a millisecond. */
let timezone: string | undefined;

/** The page as it is now, and what surrounds it, in the words of Segment's common fields. */
export function readContext(): Properties {
  const { pathname, search, href } = location;
  // Segment's has no fragment either; single sign-on puts secrets there.
  const [url] = href.split('#');
  return {
    // A worker has neither page nor screen.
    page: attempt(() => ({
      path: pathname,
      search,
      url,
      title: document.title,
      referrer: document.referrer,
    })),
    campaign: readCampaign(search),
    locale: navigator.language,
    timezone: (timezone ??= Intl.DateTimeFormat().resolvedOptions().timeZone),
    userAgent: navigator.userAgent,
    screen: attempt(() => ({ width: screen.width, height: screen.height, density: devicePixelRatio })),
  };
}
