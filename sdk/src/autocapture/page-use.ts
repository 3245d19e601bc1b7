import type { Choices, PageSeen, Recorder } from './choices';
import { followTurns } from './page-turns';

const DEPTHS = [25, 50, 75, 100];
/** So long after the last sign of the visitor a page still counts as used: somebody reads. */
const IDLE_AFTER_MS = 30_000;
/** Less was no use, and would be an event for each glance. */
const MIN_USE_MS = 1_000;
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'scroll', 'touchmove', 'wheel', 'focus'] as const;

/** Records how far down a page was seen and how long it was used; each navigation of an app begins a new page. */
export function followPageUse(record: Recorder, choices: Choices, signal: AbortSignal): void {
  let page = readPage();
  let depth = 0;
  let usedMs = 0;
  let signAt = performance.now();
  const count = (): void => {
    const now = performance.now();
    if (!document.hidden) usedMs += Math.min(now - signAt, IDLE_AFTER_MS);
    signAt = now;
  };
  const tell = (about?: PageSeen): void => {
    if (choices.engagement && usedMs >= MIN_USE_MS) {
      record('Page Engaged', { seconds: Math.round(usedMs / 100) / 10, depth }, about);
      usedMs = 0;
    }
  };
  const begin = (): void => {
    page = readPage();
    depth = 0;
    usedMs = 0;
    signAt = performance.now();
  };
  const onScroll = (event: Event): void => {
    const seen = readDepth(event);
    const before = depth;
    depth = Math.max(depth, seen);
    const reached = DEPTHS.filter((each) => each > before && each <= depth);
    if (choices.scrollDepth) for (const each of reached) record('Page Scrolled', { depth: each });
  };
  const listen = (type: string, work: (event: Event) => void): void =>
    addEventListener(type, (event) => record.safely(() => work(event)), {
      capture: true,
      passive: true,
      signal,
    });

  for (const type of SIGNS) listen(type, count);
  listen('scroll', onScroll);
  listen('visibilitychange', () => {
    // The time before it was hidden was in sight, and the time before it is shown was not.
    if (document.hidden) usedMs += Math.min(performance.now() - signAt, IDLE_AFTER_MS);
    signAt = performance.now();
    if (document.hidden) tell();
  });
  listen('pagehide', () => (count(), tell()));
  listen('pageshow', (event) => (event as PageTransitionEvent).persisted && begin());
  followTurns(
    () => record.safely(() => (count(), tell({ ...page, title: document.title }), begin())),
    signal,
  );
}

function readPage(): PageSeen {
  const { pathname: path, search, href } = location;
  const [url = ''] = href.split('#');
  return { path, search, url, title: document.title, referrer: document.referrer };
}

/**
 * How much of the page has been above the window's lower edge, in percent; of an app whose page does not scroll,
 * of the box in it that fills most of the window. 0 at the top: a router's own scrolling is nobody's.
 */
function readDepth({ target }: Event): number {
  const box = target instanceof Element ? target : document.scrollingElement;
  if (!box) return 0;
  const { scrollTop, scrollHeight } = box;
  const isRoot = box === document.scrollingElement;
  const height = isRoot ? innerHeight : box.clientHeight;
  const isMain = isRoot || box.clientHeight * box.clientWidth > (innerHeight * innerWidth) / 2;
  if (!isMain || scrollTop <= 0) return 0;
  // Positions are broken pixels where heights are whole ones.
  return Math.min(100, Math.floor(((scrollTop + height + 2) / scrollHeight) * 100));
}
