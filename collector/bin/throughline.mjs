#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { refuseOldNode } from './node-version.mjs';

refuseOldNode();
process.setSourceMapsEnabled(true);
const entry = new URL('../dist/cli.js', import.meta.url);
if (!existsSync(entry)) {
  console.error(
    'The collector is not built yet: run npm run build, or npm start, which builds what is missing.',
  );
  process.exit(1);
}
const { runCommand } = await import(entry.href);
await runCommand(process.argv.slice(2));
