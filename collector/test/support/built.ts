/** For tests that start the built command and need no Postgres beside their own. */
import { buildStale } from '../../bin/build.mjs';

export default async function setup(): Promise<void> {
  if (!(await buildStale())) console.error('What starts a collector will not start what the sources say.');
}
