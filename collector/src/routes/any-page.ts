import type { FastifyCorsOptions } from '@fastify/cors';
import type { App } from './context';

/** What stands in a route's config under this name goes before what the plugin was registered with. */
declare module 'fastify' {
  interface FastifyContextConfig {
    cors?: FastifyCorsOptions;
  }
}

const ANY_PAGE: FastifyCorsOptions = { origin: '*', methods: 'GET, POST' };

/**
 * Lets pages of every origin call the routes that are added to this scope from now on: they take events, or say what a
 * page needs for it, and tell nothing about anybody. Said per route, since deciding it anew for each request by its
 * address took a tenth of a single event's time.
 */
export function openToAnyPage(scope: App): void {
  const asked = new Set<string>();
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, cors: ANY_PAGE, isFrequent: true };
    if (route.method === 'OPTIONS' || asked.has(route.url)) return;
    asked.add(route.url);
    // What a browser asks before it sends (a preflight) is answered by the plugin before it comes to a handler.
    scope.options(route.url, { schema: { hide: true } }, (_request, reply) => reply.code(204).send());
  });
}
