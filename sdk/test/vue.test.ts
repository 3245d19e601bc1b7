import { expect, test } from 'vitest';
import { createSSRApp, createApp, defineComponent, h } from 'vue';
import type { App } from 'vue';
import { createMemoryHistory, createRouter } from 'vue-router';
import { renderToString } from 'vue/server-renderer';
import type { WireEvent } from '../src';
import { trackerPlugin, useTrack, useTracker } from '../src/vue/vue';
import { open } from './open-tracker';

/** A tracker, and what it has sent by the next flush. */
function openTracker() {
  const { tracker, events } = open();
  return { tracker, sent: async () => (await tracker.flush(), events) };
}

interface Events {
  'Product Added': { sku: string };
}

const Page = { render: () => null };
const makeRouter = () =>
  createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/', name: 'Shop', component: Page },
      { path: '/mugs/:id', name: 'Mug', component: Page },
      { path: '/secret', component: Page, beforeEnter: () => false },
    ],
  });

const names = (events: readonly WireEvent[]): unknown[] => events.map(({ name }) => name);
const mount = (app: App) => app.mount(document.createElement('div'));

test('a router’s navigations are page views, once each, named as the route is', async () => {
  const { tracker, sent } = openTracker();
  const router = makeRouter();
  const app = createApp(Page).use(router).use(trackerPlugin, { tracker, router });
  mount(app);
  await router.isReady();
  await router.push('/mugs/1?size=2');
  await router.push('/mugs/1?size=2#handle');
  await router.push('/secret');
  await router.push('/mugs/2');
  await router.push('/');
  expect(names(await sent())).toEqual(['Shop', 'Mug', 'Mug', 'Shop']);
  app.unmount();
  await router.push('/mugs/3');
  expect(await sent()).toHaveLength(4);
});

test('a component tracks, with the app’s events checked', async () => {
  const { tracker, sent } = openTracker();
  const Button = defineComponent(() => {
    const track = useTrack<Events>();
    // @ts-expect-error a property of another type
    const wrong = () => void track('Product Added', { sku: 1 });
    expect(wrong).toBeTypeOf('function');
    return () => h('button', { onClick: () => void track('Product Added', { sku: 'mug-1' }) });
  });
  const page = document.createElement('div');
  createApp(Button).use(trackerPlugin, { tracker }).mount(page);
  page.querySelector('button')!.click();
  expect(await sent()).toMatchObject([{ event: 'Product Added', properties: { sku: 'mug-1' } }]);
});

test('a component renders on a server', async () => {
  const { tracker } = openTracker();
  const Text = defineComponent(() => {
    const { user } = useTracker();
    return () => h('p', user().userId ?? 'nobody');
  });
  const app = createSSRApp(Text).use(trackerPlugin, { tracker });
  expect(await renderToString(app)).toBe('<p>nobody</p>');
});

test('without the plugin it is said at once', () => {
  const Lost = defineComponent(() => {
    useTracker();
    return () => null;
  });
  const app = createApp(Lost);
  app.config.warnHandler = () => undefined;
  expect(() => mount(app)).toThrow('throughline: no trackerPlugin');
});
