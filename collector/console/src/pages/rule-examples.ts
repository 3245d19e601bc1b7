export const EXAMPLES: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'Spent 100 or more in 30 days',
    rule: { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '30d', gte: 100 },
  },
  {
    name: 'Looked at products three times this week, bought nothing',
    rule: {
      all: [
        { event: 'Product Viewed', within: '7d', gte: 3 },
        { not: { event: 'Order Completed', within: '7d' } },
      ],
    },
  },
  {
    name: 'Known by email, not seen for 30 days',
    rule: {
      all: [{ trait: '$email', exists: true }, { not: { event: '*', within: '30d' } }],
    },
  },
].map(({ name, rule }) => ({ name, text: JSON.stringify(rule, null, 2) }));
