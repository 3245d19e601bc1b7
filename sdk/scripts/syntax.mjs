import { parse } from 'acorn';
import { readdirSync, readFileSync } from 'node:fs';

/** What browsers of 2020 cannot read would keep a whole app from starting. Server code is for newer engines. */
const dist = new URL('../dist/', import.meta.url);
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.c?js$/.test(name) && !/^node\./.test(name),
);
for (const name of files) {
  const sourceType = name.endsWith('.cjs') ? 'script' : 'module';
  try {
    parse(readFileSync(new URL(name, dist), 'utf8'), { ecmaVersion: 2020, sourceType });
  } catch (error) {
    console.error(`${name} is not ES2020: ${error.message}`);
    process.exitCode = 1;
  }
}
console.log(`ES2020: ${files.length} files`);
