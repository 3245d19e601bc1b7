import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ExportError } from './export-error';
import type { Target } from './target';

/** Beside the files, so that a file is put in its place by renaming it; hidden, so that nobody loads it. */
const SCRATCH = '.unfinished';

/** Opens a folder, which is made where it is not there. @throws ExportError */
export async function openFolderTarget(folder: string): Promise<Target> {
  const root = resolve(folder);
  const scratch = join(root, SCRATCH);
  const clear = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  const write = async (text: string): Promise<string> => {
    const file = join(scratch, 'text.tmp');
    await writeDurably(file, text);
    return file;
  };
  const place = async (path: string): Promise<string> => {
    const at = join(root, path);
    await mkdir(dirname(at), { recursive: true });
    return at;
  };
  // Left behind by one that was killed: an export is alone with its folder (db/export-lock.ts).
  await told(root, async () => {
    await clear();
    await mkdir(scratch, { recursive: true });
  });
  return {
    name: root,
    scratch,
    read: (path) => told(root, () => readIfThere(join(root, path))),
    replace: (path, text) =>
      told(root, async () => {
        const at = await place(path);
        await rename(await write(text), at);
        await syncFolder(dirname(at));
      }),
    create: (path, text) =>
      told(root, async () => {
        const at = await place(path);
        const isNew = await linkIfNew(await write(text), at);
        await syncFolder(dirname(at));
        return isNew;
      }),
    publish: (file, { path }) =>
      told(root, async () => {
        const at = await place(path);
        await rename(file, at);
        await syncFolder(dirname(at));
      }),
    remove: (path) => told(root, () => rm(join(root, path), { force: true })),
    close: () => told(root, clear),
  };
}

/** What the system says about a folder, in words. */
async function told<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw toFileError(root, cause);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'it can only be read',
  ENOTDIR: 'a file is in the way',
  EEXIST: 'a file is in the way',
};

/** @param place the folder that somebody knows */
export function toFileError(place: string, cause: unknown): ExportError {
  if (cause instanceof ExportError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new ExportError(`Cannot write into ${place}: ${REASONS[code] ?? message}.`, { cause });
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function linkIfNew(file: string, at: string): Promise<boolean> {
  try {
    await link(file, at);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    // Both names are one file until this one is gone, and the next text would be written into it.
    await rm(file, { force: true });
  }
}

/** A name is durable when its folder is. Windows cannot do that, and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
