import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

/** A first load may weigh this much, gzipped. The floor is 90 KB; this is the goal. */
const MAX_FIRST_LOAD_BYTES = 60 * 1024;

const dist = fileURLToPath(new URL('../../console/dist/', import.meta.url));

test('the whole console, every page of it, weighs less than its first load may', () => {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name),
  );
  const weights = files.map(({ parentPath, name }) => ({
    name,
    bytes: gzipSync(readFileSync(join(parentPath, name))).length,
  }));
  const total = weights.reduce((sum, { bytes }) => sum + bytes, 0);

  expect(weights.map(({ name }) => name)).toContain('index.html');
  expect(total, JSON.stringify(weights, null, 2)).toBeLessThan(MAX_FIRST_LOAD_BYTES);
});

test('its page runs and styles with files only, as its content security policy demands', () => {
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = page.match(/<script\b[^>]*>[^<]*/g) ?? [];

  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script).toMatch(/^<script\b[^>]* src="\/console\/[^"]+"[^>]*>$/);
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
});
