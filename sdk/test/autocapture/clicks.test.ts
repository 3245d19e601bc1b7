import { describe, expect, test } from 'vitest';
import { cleanPages, click, openPage, SHOP } from './recording';

cleanPages();

describe('a click', () => {
  test('on a button says which one it was', () => {
    const { recorded, find } = openPage('<button id="buy" class="big">Buy <b>now</b></button>');
    click(find('b'));
    expect(recorded).toEqual([
      {
        event: 'Element Clicked',
        properties: { tag: 'button', id: 'buy', text: 'Buy now' },
        options: undefined,
      },
    ]);
  });

  test.each([
    ['a link', '<a href="/mugs?token=s3cret#top">Mugs</a>', { text: 'Mugs', href: `${SHOP}/mugs` }],
    ['a button of a form', '<input type="submit" value="Send">', { text: 'Send' }],
    ['an image button', '<input type="image" alt="Search">', { text: 'Search' }],
    ['a role', '<div role="button" aria-label="Close">×</div>', { text: 'Close' }],
    ['a summary', '<details><summary>More</summary></details>', { text: 'More' }],
    ['an image in a link', '<a href="/"><img alt="Home"></a>', { text: 'Home', href: `${SHOP}/` }],
    ['what the page marks', '<p data-tl-capture>Card</p>', { text: 'Card' }],
    ['what the page marks by class', '<p class="tl-capture">Card</p>', { text: 'Card' }],
    ['a link that is no address', '<a href="https://">Broken</a>', { text: 'Broken' }],
    [
      'a mail link, without whom',
      '<a href="mailto:ada@example.com">Write</a>',
      { text: 'Write', href: 'mailto:' },
    ],
    [
      'a script link, without it',
      '<a href="javascript:pay(4111)">Pay</a>',
      { text: 'Pay', href: 'javascript:' },
    ],
  ])('is recorded on %s', (_, html, expected) => {
    const { recorded, find } = openPage(html);
    click(find('img, body > *, summary'));
    if (html.includes('details')) click(find('summary'));
    expect(recorded.map(({ event }) => event)).toEqual(['Element Clicked']);
    expect({ ...recorded[0]!.properties, tag: undefined }).toEqual(expected);
  });

  test.each([
    ['text', '<p>Text</p>'],
    ['a text field', '<input value="Ada">'],
    ['a checkbox', '<input type="checkbox">'],
    ['a choice', '<select><option>Secret</option></select>'],
    ['what is to be ignored', '<button data-tl-ignore>Delete</button>'],
    ['what is to be ignored by class', '<div class="tl-ignore"><button>Delete</button></div>'],
  ])('is not recorded on %s', (_, html) => {
    const { recorded, find } = openPage(html);
    click(find('button, body > *'));
    expect(recorded).toEqual([]);
  });

  test('is recorded also where the page stops it, and the page never sees an error', () => {
    const { recorded, find } = openPage('<div><button>Go</button></div>');
    find('div').addEventListener('click', (event) => event.stopImmediatePropagation(), true);
    click(find('button'));
    expect(recorded).toHaveLength(1);
  });

  test('has the name and the properties that the page gives it', () => {
    const { recorded, find } = openPage(`
      <section data-tl-prop-section="hero" data-tl-prop-plan-id="free">
        <div data-tl-event="Plan Chosen" data-tl-prop-plan-id="pro"><a href="/pro"><i>Pro</i></a></div>
      </section>`);
    click(find('i'));
    expect(recorded).toMatchObject([
      {
        event: 'Plan Chosen',
        properties: {
          tag: 'a',
          text: 'Pro',
          href: `${SHOP}/pro`,
          section: 'hero',
          plan_id: 'pro',
        },
      },
    ]);
  });

  test('on a button of a named form is not yet what the form is named for', () => {
    const { recorded, find } = openPage(
      '<form data-tl-event="Signed Up"><button type="button">Go</button></form>',
    );
    click(find('button'));
    expect(recorded.map(({ event }) => event)).toEqual(['Element Clicked']);
  });

  test('inside a component says what is in there', () => {
    const { recorded, find } = openPage('<my-button>Slotted</my-button>');
    const root = find('my-button').attachShadow({ mode: 'open' });
    root.innerHTML = '<button>Add <slot></slot></button>';
    click(root.querySelector('button')!);
    expect(recorded[0]!.properties).toMatchObject({ tag: 'button', text: 'Add Slotted' });
  });

  test('on a drawing inside a button is a click on the button', () => {
    const { recorded, find } = openPage(
      '<button>Cart <svg><title>Bag</title><g><path d="M0 0"/></g></svg></button>',
    );
    click(find('path'));
    expect(recorded[0]!.properties).toMatchObject({ tag: 'button', text: 'Cart Bag' });
  });

  test('on a link of a drawing says where it leads', () => {
    const { recorded, find } = openPage(
      '<svg><a xlink:href="https://other.example/x"><path d="M0 0"/></a></svg>',
    );
    click(find('path'));
    expect(recorded).toMatchObject([
      {
        event: 'Outbound Link Clicked',
        properties: { host: 'other.example', href: 'https://other.example/x' },
      },
    ]);
  });

  test('is not recorded after the undo', () => {
    const { recorded, find, stop } = openPage('<button>Go</button>');
    stop();
    stop();
    click(find('button'));
    expect(recorded).toEqual([]);
  });
});

describe('what is written', () => {
  test.each([
    ['Pay with 4111 1111 1111 1111 now', 'Pay with [number] now'],
    ['Card 4111-1111-1111-1111', 'Card [number]'],
    ['SSN 078-05-1120', 'SSN [number]'],
    ['Call +1 (555) 010-9999', 'Call +[number]'],
    ['Write to ada.lovelace@example.com', 'Write to [email]'],
    ['4\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1', '[number]'],
    ['٤١١١ ١١١١ ١١١١ ١١١١', '[number]'],
    ['From $1,299.00 in 2026', 'From $1,299.00 in 2026'],
    ['x'.repeat(99) + 'yz', 'x'.repeat(99) + 'y'],
  ])('%s is recorded as %s', (text, expected) => {
    const { recorded, find } = openPage('<button></button>');
    find('button').textContent = text;
    click(find('button'));
    expect(recorded[0]!.properties.text).toBe(expected);
  });

  test('has no half of a number at its end', () => {
    const { recorded, find } = openPage('<button></button>');
    // Each [number] is shorter than what it stands for, so that what follows moves up.
    find('button').textContent =
      `${'4111 1111 1111 1111 x '.repeat(8)}4111 1111 1111 1111 1111 x 4111 11`.slice(0, 206);
    click(find('button'));
    expect(recorded[0]!.properties.text).not.toMatch(/\d/);
  });

  test('is masked in numbers that are spread over elements', () => {
    const { recorded, find } = openPage('<button><i>4111</i><i>1111</i><i>1111</i><i>1111</i></button>');
    click(find('button'));
    expect(recorded[0]!.properties.text).toBe('[number]');
  });

  test.each([
    ['a masked part', '<button>Hello <b data-tl-mask>Ada</b></button>', 'Hello'],
    ['all of it', '<div class="tl-mask"><button aria-label="Ada">Ada</button></div>', undefined],
    ['what visitors type', '<button>Note <span contenteditable>secret</span></button>', 'Note'],
    ['fields in a label', '<label data-tl-capture>Name <textarea>secret</textarea></label>', 'Name'],
    ['what is hidden', '<button>Go <span hidden>secret</span><i aria-hidden="true">arrow</i></button>', 'Go'],
    ['a field that is marked', '<textarea data-tl-capture>secret</textarea>', undefined],
    ['what is edited', '<div contenteditable data-tl-capture>secret</div>', undefined],
  ])('is left out where it must: %s', (_, html, expected) => {
    const { recorded, find } = openPage(html);
    click(find('button, label, textarea, [contenteditable]'));
    expect(recorded.map(({ properties }) => properties.text)).toEqual([expected]);
  });

  test('is left out altogether where the page wants none of it', () => {
    const { recorded, find } = openPage('<button id="buy">Buy</button>', { text: false });
    click(find('button'));
    expect(recorded[0]!.properties).toEqual({ tag: 'button', id: 'buy' });
  });
});

describe('a link', () => {
  test.each([
    [
      'https://other.example/shoes/?q=1',
      'Outbound Link Clicked',
      { href: 'https://other.example/shoes/', host: 'other.example' },
    ],
    ['https://ada:secret@other.example/', 'Outbound Link Clicked', { href: 'https://other.example/' }],
    ['https://shop.ours.example/', 'Element Clicked', { href: 'https://shop.ours.example/' }],
    ['/terms.PDF?download', 'File Downloaded', { file: 'terms.PDF', extension: 'pdf' }],
    ['https://other.example/a%20b.zip', 'File Downloaded', { file: 'a b.zip', extension: 'zip' }],
    [
      'https://other.example/user/078051120/ada@example.com',
      'Outbound Link Clicked',
      { href: 'https://other.example/user/[number]/[email]' },
    ],
    ['/about', 'Element Clicked', { href: `${SHOP}/about` }],
  ])('to %s is %s', (href, event, properties) => {
    const { recorded, find } = openPage(`<a href="${href}">Go</a>`, { ownDomains: ['ours.example'] });
    click(find('a'));
    expect(recorded).toMatchObject([{ event, properties }]);
    expect(JSON.stringify(recorded)).not.toContain('secret');
  });

  test('that says download is one', () => {
    const { recorded, find } = openPage('<a href="/report" download="r.pdf">Report</a>');
    click(find('a'));
    expect(recorded.map(({ event }) => event)).toEqual(['File Downloaded']);
  });

  test('that is opened by the middle button is recorded, and nothing else of that button', () => {
    const { recorded, find } = openPage('<a href="https://other.example/">Go</a><button>Go</button>');
    click(find('a'), { button: 1 }, 'auxclick');
    click(find('a'), { button: 2 }, 'auxclick');
    click(find('button'), { button: 1 }, 'auxclick');
    expect(recorded.map(({ event }) => event)).toEqual(['Outbound Link Clicked']);
  });
});

describe('options', () => {
  const html = `<button>Go</button><a id="out" href="https://other.example/">Out</a><a id="file" href="/a.zip">File</a>`;
  test.each([
    [{ clicks: false }, ['Outbound Link Clicked', 'File Downloaded']],
    [{ outboundLinks: false }, ['Element Clicked', 'Element Clicked', 'File Downloaded']],
    [{ downloads: false }, ['Element Clicked', 'Outbound Link Clicked', 'Element Clicked']],
    [{ downloadExtensions: ['x'] }, ['Element Clicked', 'Outbound Link Clicked', 'Element Clicked']],
    [{ clicks: false, outboundLinks: false, downloads: false }, []],
  ])('%o leave %o', (options, expected) => {
    const { recorded, find } = openPage(html, options);
    for (const selector of ['button', '#out', '#file']) click(find(selector));
    expect(recorded.map(({ event }) => event)).toEqual(expected);
  });

  test('that are unknown or of another type are named', () => {
    expect(() => openPage('', { clicks: 'yes', swipes: true } as object)).toThrow(/: clicks, swipes$/);
  });
});

describe('rage clicks', () => {
  const at = (x: number) => ({ clientX: x, clientY: 5, detail: 1 });

  test('are three on one spot', () => {
    const { recorded, find } = openPage('<p id="dead">Nothing happens</p>', { rageClicks: true });
    for (const x of [10, 12, 14]) click(find('p'), at(x));
    expect(recorded).toMatchObject([
      { event: 'Rage Clicked', properties: { tag: 'p', id: 'dead', text: 'Nothing happens' } },
    ]);
  });

  test('are not clicks apart from each other, nor those of the keyboard', () => {
    const { recorded, find } = openPage('<p>Text</p>', { rageClicks: true });
    for (const x of [10, 100, 200]) click(find('p'), at(x));
    for (let n = 0; n < 3; n += 1) click(find('p'), { detail: 0 });
    expect(recorded).toEqual([]);
  });

  test('are not recorded unless wanted', () => {
    const { recorded, find } = openPage('<p>Text</p>');
    for (const x of [10, 12, 14]) click(find('p'), at(x));
    expect(recorded).toEqual([]);
  });
});
