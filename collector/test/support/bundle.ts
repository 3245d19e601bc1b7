/** Makes one script of code and of the packages that it imports. */
import { join } from 'node:path';
import { build } from 'vite';

const ROOT = join(import.meta.dirname, '../..');

/** @param format `iife` for a classic script, `es` for a module */
export async function bundleCode(code: string, format: 'iife' | 'es'): Promise<string> {
  // A file that is not there: its place is from where packages are found.
  const entry = join(ROOT, 'bundled.js');
  const result = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
      },
    ],
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { write: false, minify: false, lib: { entry, formats: [format], name: 'bundled' } },
  });
  const [{ output }] = [result].flat() as unknown as [{ output: readonly { code: string }[] }];
  return output[0]!.code;
}
