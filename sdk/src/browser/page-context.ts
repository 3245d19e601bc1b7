import { attempt } from '../core/attempt';
import { readCampaign } from '../core/campaign';
import type { Campaign } from '../core/campaign';

/** An address may be of any length; an event, which says it several times, may not. */
const cut = (text: string): string => text.slice(0, 2_000);

/** Not in TypeScript's library yet, nor in every browser. */
declare const Temporal: { readonly Now: { readonly timeZoneId: () => string } };

/** Asked once. The first of a page that asks `Intl` for anything waits for its data, tens of milliseconds. */
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
  const { pathname, search, href } = location;
  return {
    page: attempt(() => ({
      path: cut(pathname),
      search: cut(search),
      // Segment's has no fragment either; single sign-on puts secrets there.
      url: cut(href.split('#')[0]!),
      title: document.title,
      referrer: cut(document.referrer),
    })),
    campaign: readCampaign(cut(search)),
    locale: navigator.language,
    timezone: (timezone ??=
      attempt(() => Temporal.Now.timeZoneId()) ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
    userAgent: navigator.userAgent,
    screen: attempt(() => ({ width: screen.width, height: screen.height, density: devicePixelRatio })),
  };
};
