import { productOf } from './catalogue.js';

/** What the shop remembers between visits: the cart and who is signed in. Storage may be blocked; then it forgets. */
const CART = 'halden-cart';
const ACCOUNT = 'halden-account';
const ORDERS = 'halden-orders';

/** The cart as lines of `{product, quantity}`, in the order in which they were added. */
export function cartLines() {
  return Object.entries(read(CART) ?? {})
    .map(([id, quantity]) => ({ product: productOf(id), quantity }))
    .filter(({ product, quantity }) => product && quantity > 0);
}

export function cartCount() {
  return cartLines().reduce((sum, { quantity }) => sum + quantity, 0);
}

export function totalCents(lines) {
  return lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0);
}

export function addToCart(product) {
  const cart = read(CART) ?? {};
  write(CART, { ...cart, [product.id]: (cart[product.id] ?? 0) + 1 });
}

export function removeFromCart(product) {
  const { [product.id]: _removed, ...rest } = read(CART) ?? {};
  write(CART, rest);
}

/** Turns the cart into an order and empties it. */
export function placeOrder() {
  const lines = cartLines();
  const order = {
    id: orderId(),
    lines: lines.map(({ product, quantity }) => ({ id: product.id, quantity })),
    cents: totalCents(lines),
  };
  write(ORDERS, { ...read(ORDERS), [order.id]: order });
  write(CART, {});
  return { ...order, lines };
}

export function orderOf(id) {
  return read(ORDERS)?.[id];
}

export function account() {
  return read(ACCOUNT);
}

export function signIn({ email, name }) {
  const signedIn = { userId: userIdOf(email), email, name };
  write(ACCOUNT, signedIn);
  return signedIn;
}

export function signOut() {
  write(ACCOUNT, null);
}

/** A real shop has account numbers; this one makes the same one from the same address each time (FNV-1a, 32 bits). */
function userIdOf(email) {
  let hash = 0x811c9dc5;
  for (const character of email.trim().toLowerCase()) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193) >>> 0;
  }
  return `customer-${hash.toString(16).padStart(8, '0')}`;
}

function orderId() {
  const digits = crypto.getRandomValues(new Uint32Array(1))[0].toString(36).toUpperCase().padStart(7, '0');
  return `H-${digits}`;
}

const memory = new Map();

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return memory.get(key) ?? null;
  }
}

function write(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Blocked or full: what is in memory lasts as long as the page.
  }
}
