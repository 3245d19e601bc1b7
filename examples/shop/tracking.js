import { CURRENCY, priceNumber } from './catalogue.js';
import { showSent } from './sent.js';

/** Every call that the shop makes; page views are the SDK's own (`data-auto-page`). */

export function trackProductViewed(product) {
  send('track', 'Product Viewed', propertiesOf(product));
}

export function trackProductAdded(product) {
  send('track', 'Product Added', { ...propertiesOf(product), quantity: 1 });
}

export function trackProductRemoved({ product, quantity }) {
  send('track', 'Product Removed', { ...propertiesOf(product), quantity });
}

export function trackOrderCompleted({ id, cents, lines }) {
  send('track', 'Order Completed', {
    order_id: id,
    revenue: priceNumber(cents),
    currency: CURRENCY,
    products: lines.map(({ product, quantity }) => {
      const { currency: _ofTheOrder, ...properties } = propertiesOf(product);
      return { ...properties, quantity };
    }),
  });
}

export function identifyAccount({ userId, email, name }) {
  send('identify', userId, { email, name });
}

export function forgetVisitor() {
  send('reset');
}

/**
 * Somebody on a device of their own goes to the checkout; resolves when the collector has stored all of it, with what it
 * answered, and with the visitor's ID.
 */
export async function simulateCalls({ userId, email, cart, earlierOrder }) {
  await trackerReady();
  forgetVisitor();
  const traits = email ? { email } : {};
  const calls = [['identify', ...(userId ? [userId] : []), traits]];
  if (earlierOrder !== null) {
    const order_id = `H-DEMO-${userId || email}`;
    calls.push(['track', 'Order Completed', { order_id, revenue: earlierOrder, currency: CURRENCY }]);
  }
  calls.push(['track', 'Checkout Started', { ...cart, currency: CURRENCY }]);
  const outcomes = calls.map((call) => send(...call));
  void window.throughline.flush();
  const receipts = await Promise.all(outcomes);
  const answers = calls.map(([, ...said], index) => ({ said, status: receipts[index].status }));
  return { identified: answers[0], tracked: answers.slice(1), anonymousId: window.throughline.anonymousId() };
}

/** The stub does not know who the visitor is. */
async function trackerReady() {
  if (window.throughline.anonymousId) return;
  const script = document.querySelector('script[data-write-key]');
  await new Promise((resolve, reject) => {
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error('sdk.js did not load.')));
  });
}

/** Through the global each time: until sdk.js has loaded it is the stub, afterwards the tracker. */
function send(method, ...args) {
  const outcome = window.throughline[method](...args);
  showSent(method, args);
  return outcome;
}

function propertiesOf(product) {
  return {
    product_id: product.id,
    name: product.name,
    category: product.category,
    price: priceNumber(product.cents),
    currency: CURRENCY,
  };
}
