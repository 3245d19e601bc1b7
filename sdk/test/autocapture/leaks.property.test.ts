import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanPages, click, openPage, send } from './recording';

cleanPages();

/** Words that no page of these tests writes anywhere but where they must not be read. */
const word = fc.integer({ min: 0, max: 999_999 }).map((n) => `zq${n.toString(36)}qz`);
/** Payment cards and social security numbers, written as people write them. */
const number = fc
  .tuple(
    fc.constantFrom('4111111111111111', '378282246310005', '078051120', '6011000990139424'),
    fc.constantFrom('', ' ', '-', '.', '\u00a0', ' - '),
  )
  .map(([digits, mark]) => digits.replace(/(\d{3,4})(?=\d)/g, `$1${mark}`));
const email = word.map((name) => `${name}@mail.example`);

const secretField = (value: string) =>
  fc.constantFrom(
    `<input type="password" data-tl-value name="p" value="${value}">`,
    `<input type="hidden" data-tl-value name="h" value="${value}">`,
    `<input autocomplete="cc-number" data-tl-value name="n" value="${value}">`,
    `<input autocomplete="billing cc-exp" data-tl-value name="n" value="${value}">`,
    `<input autocomplete="new-password" type="text" data-tl-value name="n" value="${value}">`,
    `<input name="cvv" data-tl-value value="${value}">`,
    `<label>Social security <input data-tl-value name="x" value="${value}"></label>`,
    `<input name="q" value="${value}">`,
    `<textarea name="t">${value}</textarea>`,
    `<select name="s"><option value="${value}" selected>${value}</option></select>`,
    `<input type="search" role="button" data-tl-capture data-tl-event="Searched" name="q" value="${value}">`,
    `<div contenteditable data-tl-capture>${value}</div>`,
    `<span data-tl-mask>${value}</span>`,
    `<p data-tl-ignore><button aria-label="${value}">${value}</button></p>`,
    `<span hidden>${value}</span>`,
    `<template><b>${value}</b></template>`,
    `<a href="https://other.example/a?q=${value}#${value}">Go</a>`,
    `<a href="https://${value}:${value}@other.example/">Go</a>`,
    `<a href="mailto:${value}@mail.example">Write</a>`,
  );
/** What may be read, but not such numbers and addresses in it. */
const openPlace = (value: string) =>
  fc.constantFrom(
    `<button>${value}</button>`,
    `<button aria-label="${value}"></button>`,
    `<button title="${value}"><img alt="${value}"></button>`,
    `<input type="submit" value="${value}">`,
    `<a id="${value}" href="/a">${value}</a>`,
    `<a href="https://other.example/${encodeURIComponent(value)}/file-${encodeURIComponent(value)}.pdf">Go</a>`,
    `<input name="q" data-tl-value value="${value}">`,
    `<textarea name="t" data-tl-value>words before ${value} and behind</textarea>`,
    `<p data-tl-capture data-tl-prop-x="${value}">${value}</p>`,
  );

const wrappers = [
  '<form id="f" name="n">*</form>',
  '<button>*</button>',
  '<a href="/x">*</a>',
  '<div data-tl-capture>*</div>',
  '<label data-tl-event="Named">*</label>',
  '<section data-tl-prop-place="top">*</section>',
  '<svg><foreignObject>*</foreignObject></svg>',
  '<div>*</div>',
];

interface Planted {
  readonly html: string;
  readonly value: string;
}
const planted: fc.Arbitrary<Planted> = fc.oneof(
  word.chain((value) => secretField(value).map((html) => ({ html, value }))),
  fc.oneof(number, email).chain((value) => openPlace(value).map((html) => ({ html, value }))),
);
const page = fc.record({
  secrets: fc.array(planted, { minLength: 1, maxLength: 5 }),
  around: fc.array(fc.constantFrom(...wrappers), { maxLength: 4 }),
  filler: fc.array(
    fc.constantFrom('Words', 'A much longer stretch of words that fills the text. ', '<b>1</b>', '12 '),
    { maxLength: 6 },
  ),
});

test('whatever a page is made of, nothing secret is in any event', () => {
  let events = 0;
  fc.assert(
    fc.property(page, ({ secrets, around, filler }) => {
      const inner = secrets.map(({ html }, index) => (filler[index] ?? '') + html).join('') + filler.join('');
      const html = around.reduce((content, wrapper) => wrapper.replace('*', () => content), inner);
      const { recorded, stop } = openPage(html, { rageClicks: true });
      for (const element of document.body.querySelectorAll('*')) {
        for (let n = 0; n < 3; n += 1) click(element, { detail: 1 });
        click(element, { button: 1 }, 'auxclick');
      }
      for (const form of document.querySelectorAll('form')) send(form);
      stop();
      events += recorded.length;
      const told = JSON.stringify(recorded);
      const digits = told.replace(/[^\p{L}\p{Nd}]/gu, '');
      for (const { value } of secrets) {
        expect(told).not.toContain(value);
        if (/^\d/.test(value)) expect(digits).not.toContain(value.replace(/\D/g, ''));
      }
      // No long stretch of any number either.
      expect(JSON.stringify(recorded.map(({ properties }) => properties))).not.toMatch(
        /\d[ .\u00a0-]{0,3}(\d[ .\u00a0-]{0,3}){8}/,
      );
    }),
    { numRuns: 100 },
  );
  expect(events).toBeGreaterThan(300);
}, 120_000);
