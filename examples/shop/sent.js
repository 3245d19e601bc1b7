import { element } from './dom.js';

const SHOWN = 6;
const calls = [];

/** A strip that shows which calls the shop has just made, for whoever wants to see behind the scenes. */
export function showSent(method, args) {
  calls.unshift({ method, args, at: new Date() });
  calls.length = Math.min(calls.length, SHOWN);
  draw();
}

function draw() {
  const strip = document.getElementById('sent');
  const open = strip.querySelector('details')?.open ?? false;
  const [latest, ...earlier] = calls;
  strip.replaceChildren(
    element(
      'details',
      { open },
      element('summary', {}, element('span', { class: 'sent-label' }, 'Just sent'), line(latest)),
      element('pre', { tabindex: 0 }, JSON.stringify(latest.args, null, 2)),
      element(
        'ol',
        {},
        earlier.map((call) => element('li', {}, line(call))),
      ),
    ),
    element('a', { href: '/console/', target: '_blank', rel: 'noopener' }, 'See it in the console'),
  );
}

function line({ method, args, at }) {
  const name = typeof args[0] === 'string' ? args[0] : '';
  return element(
    'span',
    { class: 'sent-call' },
    element('time', {}, at.toLocaleTimeString('en-GB')),
    element('code', {}, method),
    element('strong', {}, name),
  );
}
