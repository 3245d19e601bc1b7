/** `npm start`: builds what is missing or stale, then runs the collector in this process, so that signals stay simple. */
import { buildStale } from './build.mjs';
import { refuseOldNode } from './node-version.mjs';

refuseOldNode();
process.setSourceMapsEnabled(true);
const isBuilt = await buildStale();
if (!isBuilt) process.exit(1);
const { runCollector } = await import(new URL('../dist/main.js', import.meta.url).href);
await runCollector();
