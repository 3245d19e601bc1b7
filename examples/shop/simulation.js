import { account } from './basket.js';
import { CURRENCY, PRODUCTS } from './catalogue.js';
import { askWhatToShow } from './decide.js';
import { element } from './dom.js';
import { forgetVisitor, identifyAccount, simulateCalls } from './tracking.js';

/** What makes somebody a VIP, as the collector's demo audience has it: orders for 200 or more within a year. */
const EARLIER_ORDER = 250;
const CATEGORIES = [...new Set(PRODUCTS.map(({ category }) => category))].sort();

const PRESETS = [
  { name: 'VIP, large cart', userId: 'demo-vip', email: 'vip@example.com', earlier: true, amount: 180 },
  { name: 'VIP, small cart', userId: 'demo-vip', email: 'vip@example.com', earlier: true, amount: 25 },
  { name: 'New, large cart', userId: 'demo-new', email: 'new@example.com', earlier: false, amount: 180 },
  { name: 'New, small cart', userId: 'demo-new', email: 'new@example.com', earlier: false, amount: 25 },
];

/** Somebody goes to the checkout: who they are, what they do, what that makes of them, and what they are shown. */
export function simulationPage() {
  const steps = element('ol', { class: 'steps', 'aria-live': 'polite' });
  const form = simulationForm((person) => simulate(person, steps));
  return {
    title: 'Checkout simulation – Halden Supply',
    nodes: [
      element('h1', { tabindex: -1 }, 'Checkout simulation'),
      element(
        'p',
        { class: 'quiet' },
        `Whoever has ordered for $200 or more within a year is a VIP. A cart of $150 is a high-value session, and one of $100 if it is for the home. Both together get the premium checkout, one of the two loyalty or acquisition, none the control.`,
      ),
      element('div', { class: 'simulation' }, form, steps),
    ],
  };
}

function simulationForm(onRun) {
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    const person = personIn(form);
    form.elements.userId.setCustomValidity(
      person.userId || person.email ? '' : 'An email, a user ID, or both.',
    );
    if (!form.reportValidity()) return;
    const button = form.querySelector('button.main');
    button.disabled = true;
    await onRun(person);
    button.disabled = false;
  };
  return element(
    'form',
    {
      class: 'sign-in',
      onsubmit: submit,
      oninput: ({ currentTarget }) => currentTarget.elements.userId.setCustomValidity(''),
    },
    element(
      'div',
      { class: 'presets', role: 'group', 'aria-label': 'Examples' },
      PRESETS.map((preset) =>
        element('button', { type: 'button', class: 'preset', onclick: () => fillIn(preset) }, preset.name),
      ),
    ),
    field('Email', { name: 'email', type: 'email', autocomplete: 'off', placeholder: 'vip@example.com' }),
    field('User ID', { name: 'userId', type: 'text', autocomplete: 'off', placeholder: 'demo-vip' }),
    field(`Amount (${CURRENCY})`, {
      ...{ name: 'amount', type: 'number', min: 0, max: 100000, step: '0.01', value: 180, required: true },
    }),
    element(
      'label',
      {},
      element('span', {}, 'Category'),
      element(
        'select',
        { name: 'category' },
        CATEGORIES.map((category) => element('option', {}, category)),
      ),
    ),
    element(
      'label',
      { class: 'check' },
      element('input', { name: 'earlier', type: 'checkbox' }),
      element('span', {}, `They ordered for $${EARLIER_ORDER} before`),
    ),
    element('button', { class: 'main' }, 'Run checkout simulation'),
  );
}

function fillIn({ userId, email, earlier, amount }) {
  const { elements } = document.querySelector('.simulation form');
  Object.assign(elements.userId, { value: userId });
  Object.assign(elements.email, { value: email });
  Object.assign(elements.amount, { value: amount });
  Object.assign(elements.category, { value: CATEGORIES[0] });
  Object.assign(elements.earlier, { checked: earlier });
  elements.userId.setCustomValidity('');
}

function personIn(form) {
  const fields = new FormData(form);
  const text = (name) => String(fields.get(name) ?? '').trim();
  return {
    email: text('email'),
    userId: text('userId'),
    cart: { amount: Number(text('amount')), category: text('category') },
    earlierOrder: fields.has('earlier') ? EARLIER_ORDER : null,
  };
}

/** Each step is shown when it is answered, so that what is missing is seen as well. */
async function simulate(person, steps) {
  steps.replaceChildren();
  const show = (...step) => steps.append(stepShown(...step));
  try {
    const { identified, tracked, anonymousId } = await simulateCalls(person);
    show('Identify', 'Who it is: this visitor is that person from now on.', identified);
    show('Track', 'What they do. The collector has stored it.', tracked);
    const begunAt = performance.now();
    const { payload, ...decided } = await askWhatToShow(anonymousId, person.cart);
    const { vip, highValueSession } = payload;
    show('Evaluate', 'What that makes of them, with the calls from just now in it.', {
      vip,
      highValueSession,
      roundTripMs: Math.round(performance.now() - begunAt),
    });
    show(
      'Decision',
      element('strong', { class: 'experience', 'data-case': decided.case.key }, payload.experience),
      decided,
    );
  } catch (error) {
    steps.append(element('li', { role: 'alert' }, error.message));
  }
  // The shop's own visitor is back.
  forgetVisitor();
  if (account()) identifyAccount(account());
}

function stepShown(name, what, answer) {
  return element(
    'li',
    {},
    element('h2', {}, name),
    element('p', {}, what),
    element('pre', { tabindex: 0, 'aria-label': `${name}: answer` }, JSON.stringify(answer, null, 2)),
  );
}

function field(label, attributes) {
  return element('label', {}, element('span', {}, label), element('input', attributes));
}
