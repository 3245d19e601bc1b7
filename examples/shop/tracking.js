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

/** Through the global each time: until sdk.js has loaded it is the stub, afterwards the tracker. */
function send(method, ...args) {
  window.throughline[method](...args);
  showSent(method, args);
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
