/** `npm start`: builds what is missing or stale, then runs the collector in this process, so that signals stay simple. */
import { buildStale } from './build.mjs';
import { refuseOldNode } from './node-version.mjs';

const LOOK_EVERY_MS = 250;

refuseOldNode();
process.setSourceMapsEnabled(true);
endWithNpm();
const isBuilt = await buildStale();
if (!isBuilt) process.exit(1);
const { runCollector } = await import(new URL('../dist/main.js', import.meta.url).href);
await runCollector();

/** npm runs us in a shell, and a signal for npm alone ends the shell and not us: whose parent has gone goes too. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  look.unref();
}
