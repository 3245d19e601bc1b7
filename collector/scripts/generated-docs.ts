/** What in the documents is generated: whole files, and blocks between markers. One list for writing and for checking. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { renderConfigTable, renderEnvExample } from '../src/config-docs';
import { IDENTITY_PICTURES } from './identity-pictures';

interface GeneratedDoc {
  /** Relative to the repository. */
  readonly path: string;
  /** The file as it shall be, given how it is ('' when there is none). */
  readonly render: (current: string) => string;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Add further files and blocks here. */
export const GENERATED_DOCS: readonly GeneratedDoc[] = [
  { path: '.env.example', render: renderEnvExample },
  { path: 'README.md', render: (current) => replaceBlock(current, 'config', renderConfigTable()) },
  ...IDENTITY_PICTURES.map(({ name, svg }) => ({ path: `docs/identity/${name}.svg`, render: svg })),
];

interface CheckedDoc {
  readonly path: string;
  readonly current: string;
  readonly expected: string;
}

/** A generated file as it is and as it shall be, formatted as the formatter would. */
export async function checkDoc({ path, render }: GeneratedDoc): Promise<CheckedDoc> {
  const absolute = join(ROOT, path);
  const current = await readFile(absolute, 'utf8').catch(() => '');
  const rendered = render(current);
  if (!path.endsWith('.md')) return { path: absolute, current, expected: rendered };
  const style = { ...(await resolveConfig(absolute)), filepath: absolute };
  return { path: absolute, current, expected: await format(rendered, style) };
}

/** Replaces what stands between `<!-- name:begin -->` and `<!-- name:end -->`. */
function replaceBlock(text: string, name: string, block: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`There are no lines ${begin} and ${end} to write between.`);
  return `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`;
}
