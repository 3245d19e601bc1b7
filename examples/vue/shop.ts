import { useTracker } from '@throughline/sdk/vue';
import { defineComponent, h, ref } from 'vue';
import { RouterLink, RouterView, useRoute } from 'vue-router';
import { useTrack } from './tracking';

/** Render functions, so that nothing but a bundler is needed; in a `<script setup>` the same calls stand. */
export const Shop = defineComponent(() => {
  const tracker = useTracker();
  const userId = ref<string>();
  const signIn = () => {
    userId.value = 'ada';
    void tracker.identify('ada', { email: 'ada@example.com' });
  };
  const signOut = () => {
    userId.value = undefined;
    tracker.reset();
  };
  return () => [
    h('nav', [
      h(RouterLink, { to: '/' }, () => 'All mugs'),
      ' ',
      h(RouterLink, { to: '/mugs/mug-1' }, () => 'A mug'),
    ]),
    h(RouterView),
    userId.value
      ? h('button', { onClick: signOut }, 'Sign out')
      : h('button', { onClick: signIn }, 'Sign in'),
  ];
});

export const Home = defineComponent(() => () => h('h1', 'Mugs'));

export const Mug = defineComponent(() => {
  const track = useTrack();
  const route = useRoute();
  const add = () =>
    void track('Product Added', { product_id: String(route.params['id']), price: 19.9, currency: 'EUR' });
  return () => h('button', { onClick: add }, 'Add to cart');
});
