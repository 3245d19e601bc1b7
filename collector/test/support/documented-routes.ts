import type { Api } from './api';

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

/** Every documented route that is neither open to all nor for write keys. */
export async function documentedRoutes(api: Api): Promise<{ method: string; path: string }[]> {
  const { paths } = (await api.get('/openapi.json')).body as OpenApiDocument;
  const open = ['/health', '/ready', '/console/enter'];
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, route]) => !open.includes(path) && !JSON.stringify(route).includes('"ingest"'))
      .map(([method]) => ({ method: method.toUpperCase(), path })),
  );
}
