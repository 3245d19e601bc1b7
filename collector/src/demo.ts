/** What the demo shop's checkout simulation goes by. Only where the demo is served. */
import type { Kysely } from 'kysely';
import type { DecisionDefinition } from './core/decision';
import { checkDecision } from './core/decision-check';
import type { Rule } from './core/rule';
import { findAudience, insertAudience } from './db/audiences';
import { changeWorkspace } from './db/connect';
import { findDecision, insertDecision, lockNaming } from './db/decisions';
import type { Database } from './db/tables';

export interface DemoOptions {
  readonly db: Kysely<Database>;
  readonly now: () => Date;
  readonly newId: () => string;
}

const VIP = 'demo-vip';
const CHECKOUT = 'demo-checkout';

/** Whoever has ordered for 200 within a year. */
const VIP_RULE: Rule = { event: 'Order Completed', agg: 'sum', of: 'revenue', within: '365d', gte: 200 };

const isVip = { audience: VIP };
/** A large cart, or one for the home that is nearly so: this session's amount and category. */
const isHighValue = {
  any: [
    { trait: '$context.cart.amount', gte: 150 },
    {
      all: [
        { trait: '$context.cart.category', eq: 'Home' },
        { trait: '$context.cart.amount', gte: 100 },
      ],
    },
  ],
};

const answer = (experience: string, vip: boolean, highValueSession: boolean) => ({
  experience,
  vip,
  highValueSession,
});

/** Checked like anybody's, so that the demo shows what can be written. */
const CASES = [
  { key: 'premium', when: { all: [isVip, isHighValue] }, then: answer('premium checkout', true, true) },
  { key: 'loyalty', when: isVip, then: answer('loyalty checkout', true, false) },
  { key: 'acquisition', when: isHighValue, then: answer('acquisition checkout', false, true) },
  { key: 'control', then: answer('control checkout', false, false) },
];

/**
 * Adds the audience and the decision of the demo where they are not there; what somebody has made of them stays. The
 * audience's members are found by the worker, and until then for who is asked about.
 */
export async function addDemo({ db, now, newId }: DemoOptions, workspaceId: string): Promise<void> {
  await changeWorkspace(db, workspaceId, async (transaction) => {
    await lockNaming(transaction, workspaceId);
    if ((await findDecision(transaction, workspaceId, CHECKOUT)) !== null) return;
    if ((await findAudience(transaction, workspaceId, VIP)) === null) {
      const audience = { id: newId(), key: VIP, name: 'VIP (demo)', rule: VIP_RULE, createdAt: now() };
      await insertAudience(transaction, workspaceId, audience);
    }
    const decision = { id: newId(), key: CHECKOUT, name: 'Checkout (demo)', at: now(), by: 'demo' };
    await insertDecision(transaction, workspaceId, { ...decision, definition: readCases() });
  });
}

function readCases(): DecisionDefinition {
  const checked = checkDecision({ cases: CASES, public: true, timeLimitMs: 1_000 });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.definition;
}
