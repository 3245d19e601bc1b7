import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cleanPages, openPage, SHOP } from './recording';

cleanPages();
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function hide(hidden: boolean): void {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
}

function pass(seconds: number): void {
  vi.advanceTimersByTime(seconds * 1_000);
}

function sign(): void {
  document.body.dispatchEvent(new Event('pointermove', { bubbles: true }));
}

/** A page of 4,000 px in a window of 1,000. */
function scrollTo(top: number): void {
  vi.stubGlobal('innerHeight', 1_000);
  const root = document.documentElement;
  vi.spyOn(document, 'scrollingElement', 'get').mockReturnValue(root);
  vi.spyOn(root, 'scrollHeight', 'get').mockReturnValue(4_000);
  vi.spyOn(root, 'scrollTop', 'get').mockReturnValue(top);
  document.dispatchEvent(new Event('scroll', { bubbles: true }));
}

describe('engagement', () => {
  test('is the time in sight, told as the page is hidden', () => {
    const { recorded } = openPage('<p>Text</p>');
    pass(4);
    hide(true);
    pass(60);
    hide(false);
    pass(2.5);
    hide(true);
    expect(recorded).toMatchObject([
      { event: 'Page Engaged', properties: { seconds: 4, depth: 0 } },
      { event: 'Page Engaged', properties: { seconds: 2.5, depth: 0 } },
    ]);
  });

  test('ends half a minute after the last sign of the visitor', () => {
    const { recorded } = openPage('<p>Text</p>');
    pass(20);
    sign();
    pass(600);
    sign();
    pass(5);
    hide(true);
    expect(recorded.map(({ properties }) => properties.seconds)).toEqual([55]);
  });

  test('of less than a second is none', () => {
    const { recorded } = openPage('<p>Text</p>');
    pass(0.5);
    hide(true);
    expect(recorded).toEqual([]);
  });

  test('is told of the page that an app leaves, and begins anew', () => {
    const { recorded } = openPage('<p>Text</p>');
    scrollTo(1_000);
    pass(3);
    document.title = 'Mugs';
    history.pushState(null, '', '/mugs?size=2');
    pass(2);
    hide(true);
    expect(recorded.filter(({ event }) => event === 'Page Engaged')).toMatchObject([
      {
        properties: { seconds: 3, depth: 50 },
        options: { context: { page: { path: '/', search: '', url: `${SHOP}/`, title: 'Mugs' } } },
      },
      { properties: { seconds: 2, depth: 0 }, options: undefined },
    ]);
  });

  test('is not recorded unless wanted, nor after the undo', () => {
    const unwanted = openPage('', { engagement: false });
    const undone = openPage('');
    pass(4);
    undone.stop();
    hide(true);
    expect([...unwanted.recorded, ...undone.recorded]).toEqual([]);
  });
});

describe('scroll depth', () => {
  const depths = (recorded: ReturnType<typeof openPage>['recorded']) =>
    recorded.filter(({ event }) => event === 'Page Scrolled').map(({ properties }) => properties.depth);

  test('is recorded once for each quarter of the page that is seen', () => {
    const { recorded } = openPage('');
    for (const top of [0, 100, 1_100, 500, 1_200, 2_999.5]) scrollTo(top);
    expect(depths(recorded)).toEqual([25, 50, 75, 100]);
  });

  test('begins anew with another page of an app, but not with a fragment', () => {
    const { recorded } = openPage('');
    scrollTo(1_100);
    history.pushState(null, '', '/#reviews');
    scrollTo(1_200);
    history.pushState(null, '', '/next');
    scrollTo(0);
    expect(depths(recorded)).toEqual([25, 50]);
    scrollTo(1_100);
    expect(depths(recorded)).toEqual([25, 50, 25, 50]);
  });

  test('begins anew when the page comes back out of the back/forward cache', () => {
    const { recorded } = openPage('');
    scrollTo(100);
    const shown = new Event('pageshow');
    Object.defineProperty(shown, 'persisted', { value: true });
    window.dispatchEvent(shown);
    scrollTo(100);
    expect(depths(recorded)).toEqual([25, 25]);
  });

  test('is that of the box which an app scrolls instead of the page, not that of a small one', () => {
    const { recorded, find } = openPage('<main></main><aside></aside>');
    vi.stubGlobal('innerWidth', 1_000);
    vi.stubGlobal('innerHeight', 1_000);
    for (const [selector, height] of [
      ['main', 900],
      ['aside', 200],
    ] as const) {
      const box = find(selector);
      const sizes = { clientHeight: height, clientWidth: 900, scrollHeight: 1_800, scrollTop: 800 };
      for (const [name, value] of Object.entries(sizes)) Object.defineProperty(box, name, { value });
    }
    find('aside').dispatchEvent(new Event('scroll'));
    expect(depths(recorded)).toEqual([]);
    find('main').dispatchEvent(new Event('scroll'));
    expect(depths(recorded)).toEqual([25, 50, 75]);
  });

  test('is not recorded unless wanted', () => {
    const { recorded } = openPage('', { scrollDepth: false });
    scrollTo(2_000);
    expect(recorded).toEqual([]);
  });
});
