/** A site of the test's own: another origin than the collector's. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

export interface Site {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };

/** Serves one page, or a folder; paths that are no file are the folder's index.html, as a single-page app needs it. */
export async function openSite(
  content: { readonly page: string } | { readonly folder: string },
): Promise<Site> {
  const find = async (path: string): Promise<Buffer | string> => {
    if ('page' in content) return content.page;
    const name = TYPES[extname(path)] === undefined ? 'index.html' : path;
    return readFile(join(content.folder, name));
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://site');
    find(pathname).then(
      (body) => response.setHeader('content-type', TYPES[extname(pathname)] ?? 'text/html').end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
