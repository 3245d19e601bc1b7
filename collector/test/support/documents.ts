/** The documents of the repository, and what stands in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.throughline']);

/** All Markdown files, relative to the repository. */
export function findDocuments(): readonly string[] {
  const walk = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (SKIPPED.has(entry.name)) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return walk(path);
      return entry.name.endsWith('.md') ? [relative(ROOT, path).replaceAll('\\', '/')] : [];
    });
  return walk(ROOT).sort();
}

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export interface Block {
  /** What stands behind the opening fence: a language, and what is to be done with it. */
  readonly info: string;
  readonly text: string;
}

/** The fenced blocks of a document, in order. */
export function blocksOf(document: string): readonly Block[] {
  return [...document.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, info = '', text = '']) => ({
    info: info.trim(),
    text,
  }));
}

export interface Link {
  readonly label: string;
  /** Relative to the repository; empty for a place in the same document. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** Links to places in this repository, outside of fenced blocks. */
export function linksOf(path: string): readonly Link[] {
  const prose = readDocument(path).replace(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)]
    .filter(([, , target = '']) => !/^[a-z]+:/.test(target))
    .map(([, label = '', target = '']) => {
      const [file = '', anchor] = target.split('#');
      return { label, path: file === '' ? path : posix.join(posix.dirname(path), file), anchor };
    });
}

/** The anchors that a document's headings have. */
export function anchorsOf(path: string): readonly string[] {
  return [...readDocument(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
}
