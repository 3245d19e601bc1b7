import { attempt } from '../core/attempt';
import { readCampaign } from '../core/campaign';
import type { Campaign } from '../core/campaign';

/** An address may be of any length; an event, which says it several times, may not. */
const MAX_LENGTH = 2_000;

/** Asked once: it takes a tenth of a millisecond. */
let timezone: string | undefined;

export interface PageContext {
  /** A worker has neither page nor screen. */
  readonly page: Readonly<Record<'path' | 'search' | 'url' | 'title' | 'referrer', string>> | undefined;
  readonly campaign: Campaign | undefined;
  readonly [more: string]: unknown;
}

/** @param isView whether the page is being viewed, rather than only read */
export type ReadPage = (isView?: boolean) => PageContext;

/** The page as it is now, and what surrounds it, in the words of Segment's common fields. */
export const readContext: ReadPage = () => {
  const { pathname, search, href } = new URL(location.href.slice(0, MAX_LENGTH));
  return {
    page: attempt(() => ({
      path: pathname,
      search,
      // Segment's has no fragment either; single sign-on puts secrets there.
      url: href.split('#')[0]!,
      title: document.title,
      referrer: document.referrer.slice(0, MAX_LENGTH),
    })),
    campaign: readCampaign(search),
    locale: navigator.language,
    timezone: (timezone ??= Intl.DateTimeFormat().resolvedOptions().timeZone),
    userAgent: navigator.userAgent,
    screen: attempt(() => ({ width: screen.width, height: screen.height, density: devicePixelRatio })),
  };
};
