import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** The SDK's builds for script tags, by the file's name in its dist folder, which is also the name in the address. */
export const SCRIPT_NAMES = [
  'sdk.js',
  'sdk-full.js',
  'autocapture.js',
  'web-vitals.js',
  'experiments.js',
] as const;
export type ScriptName = (typeof SCRIPT_NAMES)[number];

export interface Script {
  readonly name: ScriptName;
  readonly modifiedAt: number;
  /** Of its bytes: the same for ever in whichever collector serves them, and another one for any other bytes. */
  readonly version: string;
  /** For a tag's `integrity` (Subresource Integrity). */
  readonly integrity: string;
  /** By content coding (RFC 9110, section 8.4.1). */
  readonly bodies: Readonly<Record<'br' | 'gzip' | 'identity', Buffer>>;
}

/** @returns a script as it is now, or null where it is not built; compressed once, and again when it was built anew */
export function scriptsIn(folder: string): (name: ScriptName) => Promise<Script | null> {
  const known = new Map<ScriptName, Script>();
  return async (name) => {
    const file = join(folder, name);
    const found = await stat(file).catch(() => null);
    if (found === null) return null;
    const last = known.get(name);
    if (last?.modifiedAt === found.mtimeMs) return last;
    const script = makeScript({ name, modifiedAt: found.mtimeMs, plain: await readFile(file) });
    known.set(name, script);
    return script;
  };
}

function makeScript({ name, modifiedAt, plain }: Pick<Script, 'name' | 'modifiedAt'> & { plain: Buffer }) {
  return {
    name,
    modifiedAt,
    version: createHash('sha256').update(plain).digest('hex').slice(0, 20),
    integrity: `sha384-${createHash('sha384').update(plain).digest('base64')}`,
    bodies: { br: brotliCompressSync(plain), gzip: gzipSync(plain, { level: 9 }), identity: plain },
  };
}
