import { describe, expect, it } from 'vitest';
import { readPixel } from '../../src/core/pixel';

const event = {
  writeKey: 'pk_1',
  userId: 'ada',
  event: 'Email Opened',
  properties: { subject: 'Grüße ≥ ✉' },
};
const json = JSON.stringify(event);

describe('the event in data', () => {
  it.each([
    ['in base64', Buffer.from(json).toString('base64')],
    ['in base64url, without padding', Buffer.from(json).toString('base64url')],
    ['in base64 whose plus signs became spaces', Buffer.from(json).toString('base64').replaceAll('+', ' ')],
    ['as plain JSON', json],
    ['with a byte order mark', Buffer.from(`\uFEFF${json}`).toString('base64')],
  ])('is read %s', (_how, data) => {
    expect(readPixel({ data }, null)).toEqual({
      ok: true,
      writeKey: 'pk_1',
      item: { ...event, type: 'track' },
    });
  });

  it.each([
    ['that is empty', ''],
    ['that is no base64', 'eyJ%%%'],
    ['that is base64 of no JSON', Buffer.from('hello').toString('base64')],
    ['that is base64 of no object', Buffer.from('[1]').toString('base64')],
    ['that is base64 of no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]).toString('base64')],
    ['that is JSON cut short', '{"event":'],
    ['that stands twice', ['e30', 'e30']],
  ])('%s is refused, with what was given', (_what, data) => {
    expect(readPixel({ data, writeKey: 'pk_1' }, 'track')).toEqual({
      ok: false,
      writeKey: 'pk_1',
      given: String(data),
      message: expect.stringContaining('base64'),
    });
  });

  it('goes before a parameter of the same name; the others are added', () => {
    const data = Buffer.from('{"userId":"ada"}').toString('base64');
    const call = readPixel({ data, userId: 'bob', anonymousId: 'a', writeKey: 'pk_2' }, null);
    expect(call).toMatchObject({ writeKey: 'pk_2', item: { userId: 'ada', anonymousId: 'a' } });
  });
});

describe('plain parameters', () => {
  it('are fields, and their dots lead into objects', () => {
    expect(
      readPixel({ event: 'x', 'properties.a.b': '1', 'properties.a.c': '2', 'context.page.url': '/' }, null),
    ).toMatchObject({
      item: { event: 'x', properties: { a: { b: '1', c: '2' } }, context: { page: { url: '/' } } },
    });
  });

  it('of which one is both a value and an object keep the first', () => {
    expect(readPixel({ 'p.a': '1', 'p.a.b': '2', p: '3' }, null)).toMatchObject({ item: { p: { a: '1' } } });
  });

  it('cannot reach a prototype', () => {
    readPixel(
      {
        'properties.__proto__.polluted': 'yes',
        '__proto__.polluted': 'yes',
        'constructor.prototype.polluted': 'yes',
      },
      null,
    );
    expect({}).not.toHaveProperty('polluted');
  });

  it('may be nested without end', () => {
    expect(readPixel({ ['a.'.repeat(30_000)]: '1' }, null).ok).toBe(true);
  });
});

describe('the type', () => {
  it.each([
    {
      what: 'is what the path says',
      query: { type: 'page', event: 'x' },
      path: 'identify',
      type: 'identify',
    },
    { what: 'is what the event says', query: { type: 'screen', event: 'x' }, path: null, type: 'screen' },
    { what: 'is track where there is an event', query: { event: 'x' }, path: null, type: 'track' },
    { what: 'is page where nothing is said', query: {}, path: null, type: 'page' },
  ] as const)('$what', ({ query, path, type }) => {
    expect(readPixel(query, path)).toMatchObject({ item: { type } });
  });
});
