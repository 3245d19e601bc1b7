/** What is sold. Prices are whole cents: money is never added up as fractions. */
export const CURRENCY = 'USD';

export const PRODUCTS = [
  {
    id: 'day-pack',
    name: 'Canvas Day Pack',
    category: 'Carry',
    cents: 4995,
    about:
      'Waxed cotton canvas, a padded sleeve for a laptop, and two pockets that you can find without looking.',
  },
  {
    id: 'desk-lamp',
    name: 'Brass Desk Lamp',
    category: 'Desk',
    cents: 7950,
    about: 'A spun brass shade on a weighted foot. The arm stays where you put it.',
  },
  {
    id: 'field-notebook',
    name: 'Field Notebook',
    category: 'Paper',
    cents: 1800,
    about: 'Ninety-six dotted pages of uncoated paper, thread-bound, so that it lies flat.',
  },
  {
    id: 'enamel-mug',
    name: 'Enamel Mug',
    category: 'Table',
    cents: 1425,
    about: 'Steel under two coats of enamel. It will chip one day, and be better for it.',
  },
  {
    id: 'walnut-tray',
    name: 'Walnut Tray',
    category: 'Desk',
    cents: 3640,
    about: 'Cut from one board and oiled by hand, with room for keys, a phone and the day’s receipts.',
  },
  {
    id: 'wool-throw',
    name: 'Wool Throw',
    category: 'Home',
    cents: 12400,
    about: 'Undyed Norwegian wool, woven in a broken twill. Warm in October, welcome in April.',
  },
  {
    id: 'steel-bottle',
    name: 'Steel Bottle',
    category: 'Carry',
    cents: 2890,
    about: 'Three quarters of a litre, double-walled, with a cap that does not get lost.',
  },
  {
    id: 'pocket-radio',
    name: 'Pocket Radio',
    category: 'Home',
    cents: 6475,
    about: 'One dial, one speaker, and a battery for sixty hours of somebody else’s music.',
  },
];

export function productOf(id) {
  return PRODUCTS.find((product) => product.id === id);
}

const format = new Intl.NumberFormat('en-US', { style: 'currency', currency: CURRENCY });

export function priceText(cents) {
  return format.format(cents / 100);
}

/** Cents as the number of an event's property: 12945 → 129.45, exact as JSON writes it. */
export function priceNumber(cents) {
  return cents / 100;
}
