/** A process that records events and is killed: `node --import tsx writer.ts <options as JSON> <how many>` */
import { createTracker } from '../../src/node/tracker';
import type { NodeTrackerOptions } from '../../src/node/tracker';

const [, , options = '', count] = process.argv;
const tracker = createTracker(JSON.parse(options) as NodeTrackerOptions);
for (let n = 0; n < Number(count); n += 1) {
  const messageId = `${process.pid}-${n}`;
  void tracker.track({ userId: 'u1', event: 'Paid', properties: { n }, messageId });
}
process.stdout.write('recorded\n');
