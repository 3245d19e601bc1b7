import { account, cartLines, orderOf, totalCents } from './basket.js';
import { PRODUCTS, priceText, productOf } from './catalogue.js';
import { element } from './dom.js';

/** Each view is `{title, nodes}`; what can be done on it comes in as functions. */

export function productList() {
  return {
    title: 'Halden Supply',
    nodes: [
      element(
        'div',
        { class: 'hero' },
        heading('Things that last'),
        element('p', {}, 'For the desk, the road and the evening.'),
      ),
      element('ul', { class: 'grid' }, PRODUCTS.map(productCard)),
    ],
  };
}

export function productPage(product, { onAdd }) {
  return {
    title: `${product.name} – Halden Supply`,
    nodes: [
      element(
        'p',
        { class: 'trail' },
        element('a', { href: './' }, 'All products'),
        ` / ${product.category}`,
      ),
      element(
        'article',
        { class: 'product' },
        art(product),
        element(
          'div',
          { class: 'product-text' },
          heading(product.name),
          element('p', { class: 'price' }, priceText(product.cents)),
          element('p', {}, product.about),
          element('button', { type: 'button', class: 'main', onclick: () => onAdd(product) }, 'Add to cart'),
          element('p', { class: 'quiet' }, 'Free shipping. Thirty days to change your mind.'),
        ),
      ),
    ],
  };
}

export function cartPage({ onRemove, onOrder }) {
  const lines = cartLines();
  if (lines.length === 0) {
    return {
      title: 'Cart – Halden Supply',
      nodes: [
        heading('Cart'),
        element('p', {}, 'It is empty. ', element('a', { href: './' }, 'Look around')),
      ],
    };
  }
  const who = account();
  return {
    title: 'Cart – Halden Supply',
    nodes: [
      heading('Cart'),
      element(
        'ul',
        { class: 'lines' },
        lines.map((line) => cartLine(line, { onRemove })),
      ),
      total(totalCents(lines)),
      element(
        'div',
        { class: 'checkout' },
        who
          ? element('p', { class: 'quiet' }, `The order goes to ${who.email}.`)
          : element(
              'p',
              { class: 'quiet' },
              element('a', { href: 'sign-in' }, 'Sign in'),
              ' to keep your orders in one place.',
            ),
        element('button', { type: 'button', class: 'main', onclick: onOrder }, 'Place order'),
      ),
    ],
  };
}

export function signInPage({ onSignIn }) {
  const submit = (event) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    onSignIn({ email: String(fields.get('email')).trim(), name: String(fields.get('name')).trim() });
  };
  return {
    title: 'Sign in – Halden Supply',
    nodes: [
      heading('Sign in'),
      element('p', { class: 'quiet' }, 'Any address will do: this is a demo, and nothing is sent to it.'),
      element(
        'form',
        { class: 'sign-in', onsubmit: submit },
        field({ label: 'Email', name: 'email', type: 'email', autocomplete: 'email' }),
        field({ label: 'Name', name: 'name', type: 'text', autocomplete: 'name' }),
        element('button', { class: 'main' }, 'Sign in'),
      ),
    ],
  };
}

export function orderPage(id) {
  const order = orderOf(id);
  const lines = (order?.lines ?? []).map(({ id: product, quantity }) => ({
    product: productOf(product),
    quantity,
  }));
  return {
    title: `Order ${id} – Halden Supply`,
    nodes: [
      heading(`Order ${id} placed`),
      element('p', {}, 'Thank you. In a real shop something would now be wrapped in brown paper.'),
      element(
        'ul',
        { class: 'lines lines-done' },
        lines.map((line) => cartLine(line, {})),
      ),
      order ? total(order.cents) : null,
      element('p', {}, element('a', { href: './' }, 'Back to the shop')),
    ],
  };
}

export function nowhere() {
  return {
    title: 'Not found – Halden Supply',
    nodes: [heading('We do not have that'), element('p', {}, element('a', { href: './' }, 'All products'))],
  };
}

function productCard(product) {
  return element(
    'li',
    { class: 'card' },
    element('a', { href: `product/${product.id}` }, art(product), element('h2', {}, product.name)),
    element(
      'p',
      { class: 'card-foot' },
      element('span', {}, product.category),
      element('span', { class: 'price' }, priceText(product.cents)),
    ),
  );
}

function cartLine({ product, quantity }, { onRemove }) {
  return element(
    'li',
    {},
    art(product),
    element('a', { href: `product/${product.id}` }, product.name),
    element('span', { class: 'quiet' }, `× ${quantity}`),
    element('span', { class: 'price' }, priceText(product.cents * quantity)),
    onRemove
      ? element(
          'button',
          {
            type: 'button',
            class: 'quiet',
            'aria-label': `Remove ${product.name}`,
            onclick: () => onRemove({ product, quantity }),
          },
          'Remove',
        )
      : null,
  );
}

function total(cents) {
  return element(
    'p',
    { class: 'total' },
    element('span', {}, 'Total'),
    element('span', { class: 'price' }, priceText(cents)),
  );
}

function heading(text) {
  return element('h1', { tabindex: -1 }, text);
}

/** The name stands beside it, so the picture has no text of its own. */
function art(product) {
  return element('img', { src: `art/${product.id}.svg`, alt: '', width: 400, height: 300 });
}

function field({ label, ...attributes }) {
  return element(
    'label',
    {},
    element('span', {}, label),
    element('input', { ...attributes, required: true }),
  );
}
