import { account, addToCart, cartCount, placeOrder, removeFromCart, signIn, signOut } from './basket.js';
import { productOf } from './catalogue.js';
import { element } from './dom.js';
import { simulationPage } from './simulation.js';
import {
  forgetVisitor,
  identifyAccount,
  trackOrderCompleted,
  trackProductAdded,
  trackProductRemoved,
  trackProductViewed,
} from './tracking.js';
import { cartPage, nowhere, orderPage, productList, productPage, signInPage } from './views.js';

/** A single-page app in its plainest form: paths below the base are views, the History API moves between them. */
const BASE = new URL(document.baseURI).pathname;

function show() {
  const [place, id] = location.pathname.slice(BASE.length).split('/').map(decodeURIComponent);
  const { title, nodes } = viewOf(place, id);
  document.title = title;
  document.getElementById('view').replaceChildren(...nodes.filter((node) => node !== null));
  drawHeader();
  const product = place === 'product' && productOf(id);
  if (product) trackProductViewed(product);
}

function viewOf(place, id) {
  if (place === '') return productList();
  if (place === 'cart') return cartPage({ onRemove: remove, onOrder: order });
  if (place === 'simulation') return simulationPage();
  if (place === 'sign-in') return signInPage({ onSignIn: enter });
  if (place === 'order' && id) return orderPage(id);
  const product = place === 'product' && productOf(id);
  return product ? productPage(product, { onAdd: add }) : nowhere();
}

function go(path) {
  history.pushState(null, '', new URL(path, document.baseURI));
  show();
  scrollTo(0, 0);
  document.querySelector('h1')?.focus({ preventScroll: true });
}

function add(product) {
  addToCart(product);
  trackProductAdded(product);
  drawHeader();
  say(`${product.name} is in the cart.`);
}

function remove(line) {
  removeFromCart(line.product);
  trackProductRemoved(line);
  show();
  say(`${line.product.name} was removed.`);
}

function order() {
  const placed = placeOrder();
  trackOrderCompleted(placed);
  go(`order/${placed.id}`);
}

function enter(details) {
  identifyAccount(signIn(details));
  go(cartCount() > 0 ? 'cart' : './');
}

function leave() {
  signOut();
  forgetVisitor();
  go('./');
}

function drawHeader() {
  const who = account();
  const count = cartCount();
  document.getElementById('cart-count').textContent = count > 0 ? String(count) : '';
  document
    .getElementById('account')
    .replaceChildren(
      ...(who
        ? [
            element('span', { class: 'who' }, who.name),
            element('button', { type: 'button', class: 'quiet', onclick: leave }, 'Sign out'),
          ]
        : [element('a', { href: 'sign-in' }, 'Sign in')]),
    );
}

/** For those who do not see the number in the header change. */
function say(text) {
  document.getElementById('status').textContent = text;
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href]');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.target || !link.href.startsWith(document.baseURI)) return;
  event.preventDefault();
  if (link.href !== location.href) go(link.href);
});
addEventListener('popstate', show);
show();
