import { describe, expect, test } from 'vitest';
import { cleanPages, click, openPage, send, SHOP } from './recording';

cleanPages();

describe('a form that is sent', () => {
  test('says which one it was, and nothing that was written in it', () => {
    const { recorded, find } = openPage(
      `<form id="signup" name="sign-up" action="/join?token=secret"><input name="q" value="secret"></form>`,
    );
    send(find('form'));
    expect(recorded).toEqual([
      {
        event: 'Form Submitted',
        properties: { id: 'signup', name: 'sign-up', action: `${SHOP}/join` },
        options: undefined,
      },
    ]);
  });

  test('has the values that its page lets be recorded', () => {
    const { recorded, find } = openPage(`<form data-tl-event="Searched" data-tl-prop-place="header">
      <input name="q" value="mugs, 4111 1111 1111 1111" data-tl-value>
      <input type="checkbox" name="gift" checked data-tl-value>
      <input type="radio" name="size" value="s" data-tl-value><input type="radio" name="size" value="m" checked data-tl-value>
      <select name="colour" data-tl-value><option value="red">Red</option><option value="blue" selected>Blue</option></select>
      <textarea id="note" data-tl-value>For ada@example.com</textarea>
      <input name="other" value="private"></form>`);
    send(find('form'));
    expect(recorded).toMatchObject([
      {
        event: 'Searched',
        properties: {
          place: 'header',
          fields: { q: 'mugs, [number]', gift: true, size: 'm', colour: 'blue', note: 'For [email]' },
        },
      },
    ]);
    expect(JSON.stringify(recorded)).not.toContain('private');
  });

  test.each([
    '<input type="password" name="a" value="secret" data-tl-value>',
    '<input type="hidden" name="a" value="secret" data-tl-value>',
    '<input name="a" autocomplete="cc-number" value="secret" data-tl-value>',
    '<input name="a" autocomplete="section-x billing cc-csc" value="secret" data-tl-value>',
    '<input name="a" autocomplete="current-password" value="secret" data-tl-value>',
    '<input name="a" autocomplete="one-time-code" value="secret" data-tl-value>',
    '<input name="userPassword" value="secret" data-tl-value>',
    '<input name="card[number]" value="secret" data-tl-value>',
    '<input id="ssn" value="secret" data-tl-value>',
    '<input name="a" aria-label="Security code" value="secret" data-tl-value>',
    '<label>Your PIN <input name="a" value="secret" data-tl-value></label>',
    '<div class="tl-ignore"><input name="a" value="secret" data-tl-value></div>',
    '<div data-tl-mask><textarea name="a" data-tl-value>secret</textarea></div>',
  ])('never has the value of %s', (field) => {
    const { recorded, find } = openPage(`<form>${field}</form>`);
    send(find('form'));
    expect(recorded).toHaveLength(1);
    expect(recorded[0]!.properties.fields).toBeUndefined();
  });

  test('is not misread where its fields are named like its own properties', () => {
    const names = [
      'id',
      'name',
      'action',
      'getAttribute',
      'matches',
      'closest',
      'querySelectorAll',
      'elements',
      'localName',
    ];
    const fields = names.map((name) => `<input name="${name}" value="secret">`).join('');
    const { recorded, find } = openPage(
      `<form id="f" data-tl-capture>${fields}<button type="button">Go</button></form>`,
    );
    send(find('form'));
    click(find('button'));
    expect(recorded.map(({ event }) => event)).toEqual(['Form Submitted', 'Element Clicked']);
    expect(recorded[0]!.properties.id).toBe('f');
    expect(JSON.stringify(recorded)).not.toContain('secret');
  });

  test('inside a component is recorded, once', () => {
    const { recorded, find } = openPage('<my-form></my-form>');
    const root = find('my-form').attachShadow({ mode: 'open' });
    root.innerHTML = '<form id="inner"><button type="button">Send</button></form>';
    click(root.querySelector('button')!);
    root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true }));
    expect(recorded.filter(({ event }) => event === 'Form Submitted')).toMatchObject([
      { properties: { id: 'inner' } },
    ]);
  });

  test.each([
    ['to be ignored', '<form class="tl-ignore"></form>', {}],
    ['not wanted', '<form></form>', { forms: false }],
  ])('is not recorded where it is %s', (_, html, options) => {
    const { recorded, find } = openPage(html, options);
    send(find('form'));
    expect(recorded).toEqual([]);
  });
});
