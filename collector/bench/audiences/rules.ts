/** What the audiences of the bench ask: from a trait alone to a pass over two years. */
export const RULES = {
  everybody: { trait: '$events', gte: 1 },
  'pro, at least 200 spent': {
    all: [
      { trait: 'plan', eq: 'pro' },
      { trait: '$revenue', gte: 200 },
    ],
  },
  'ordered for 100 in 30 days': {
    event: 'Order Completed',
    agg: 'sum',
    of: 'revenue',
    within: '30d',
    gte: 100,
  },
  'left a cart in 7 days': {
    event: 'Cart Viewed',
    within: '7d',
    then: { event: 'Order Completed', within: '24h', not: true },
    same: ['cart_id'],
  },
  'big spender, silent for 30 days': {
    all: [{ trait: '$revenue', gte: 200 }, { not: { event: '*', within: '30d' } }],
  },
  'on 5 days of 4 weeks': { event: '*', agg: 'distinct', of: '$day', within: '4w', gte: 5 },
  '3 orders ever': { event: 'Order Completed', gte: 3 },
  'in 6 months ever': { event: '*', agg: 'distinct', of: '$month', gte: 6 },
} as const;

export type RuleName = keyof typeof RULES;

/** Its members are exported: as many as there are profiles. */
export const EVERYBODY: RuleName = 'everybody';
