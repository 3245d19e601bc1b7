import { trackerPlugin } from '@throughline/sdk/vue';
import { createApp } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';
import { Home, Mug, Shop } from './shop';
import { tracker } from './tracking';

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'All mugs', component: Home },
    { path: '/mugs/:id', name: 'A mug', component: Mug },
  ],
});

createApp(Shop).use(router).use(trackerPlugin, { tracker, router }).mount('#app');
