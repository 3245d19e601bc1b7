import { readCampaign } from '../core/campaign';
import type { Properties } from '../core/wire';

/** The page as it is now, and what surrounds it, in the words of Segment's common fields. */
export function readContext(): Properties {
  const { pathname, search, href } = location;
  const { width, height } = screen;
  return {
    page: { path: pathname, search, url: href, title: document.title, referrer: document.referrer },
    campaign: readCampaign(search),
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    userAgent: navigator.userAgent,
    screen: { width, height, density: devicePixelRatio },
  };
}
