/**
 * A shop's server, which records what was ordered. What it has not sent yet survives a crash.
 *
 *   COLLECTOR=http://127.0.0.1:3000 WRITE_KEY=pk_… PORT=8080 node server.mjs
 *   curl -X POST 'http://127.0.0.1:8080/orders?user=ada'
 */
import { createServer } from 'node:http';
import { createTracker } from '@throughline/sdk/node';

const { COLLECTOR = '', WRITE_KEY = '', PORT = '8080', EVENTS_DIR = '.events' } = process.env;

const tracker = createTracker({
  host: COLLECTOR,
  writeKey: WRITE_KEY,
  directory: EVENTS_DIR,
  onDrop: (count, reason, detail) => console.error(`${count} events dropped: ${reason} ${detail ?? ''}`),
  onError: (error) => console.error(`Tried again: ${error.message}`),
});

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const userId = searchParams.get('user');
  if (request.method !== 'POST' || pathname !== '/orders' || !userId) {
    response.writeHead(404).end();
    return;
  }
  const orderId = crypto.randomUUID();
  // Nobody waits for it: the order is answered at once.
  void tracker.track({
    userId,
    event: 'Order Completed',
    properties: { order_id: orderId, revenue: 42.5, currency: 'EUR' },
  });
  response.writeHead(201).end(orderId);
});
server.listen(Number(PORT), () => console.log(`Taking orders at ${JSON.stringify(server.address())}`));

process.once('SIGTERM', () => {
  server.close();
  void tracker.close({ timeoutMs: 5_000 });
});
