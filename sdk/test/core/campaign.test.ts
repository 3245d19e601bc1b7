import { expect, test } from 'vitest';
import { readCampaign, UTM_OR_CLICK_ID } from '../../src/core/campaign';

test('utm parameters are the campaign, in the words of Segment', () => {
  const search =
    '?utm_source=mail&utm_medium=email&utm_campaign=may&utm_term=mugs&utm_content=top&utm_id=7&page=2';
  expect(readCampaign(search)).toEqual({
    source: 'mail',
    medium: 'email',
    name: 'may',
    term: 'mugs',
    content: 'top',
    id: '7',
  });
});

test.each([
  'gclid',
  'dclid',
  'gbraid',
  'wbraid',
  'fbclid',
  'msclkid',
  'ttclid',
  'twclid',
  'li_fat_id',
  'rdt_cid',
  'ScCid',
  'epik',
  'yclid',
  'qclid',
  'irclickid',
])('the click ID %s keeps its name', (name) => {
  expect(readCampaign(`?${name}=Ab-1_2&x=y`)).toBeUndefined();
  expect(readCampaign(`?${name}=Ab-1_2&x=y`, UTM_OR_CLICK_ID)).toEqual({ [name]: 'Ab-1_2' });
});

test.each(['', '?', '?a=b', '?utm_source=', '?gclid', '?client_id=1&clientid=2&id=3', '?braid=1', '?utm_=x'])(
  'there is no campaign in %j',
  (search) => {
    expect(readCampaign(search, UTM_OR_CLICK_ID)).toBeUndefined();
  },
);

test('what an address spells otherwise is read as it is meant', () => {
  expect(readCampaign('?utm_source=a%20b+c&utm_campaign=%F0%9F%8E%81')).toEqual({
    source: 'a b c',
    name: '🎁',
  });
  expect(readCampaign('?utm_source=%E0%A4&utm___proto__=x&utm_constructor=y')).toEqual({
    source: '�',
    ['__proto__']: 'x',
    constructor: 'y',
  });
});
