import type { NormalEvent } from './event';
import { isObject } from './json-value';
import { checkRule } from './rule-check';
import { isTouched, needsOf, type RuleNeeds, type SeenEvent } from './rule-needs';
import { mayHoldForStranger } from './rule-stranger';
import { ONCE } from './traits';

/** An audience as it is stored, with one of the rules that it has or is to have. */
export interface FollowedRule {
  readonly audienceId: string;
  /** null: its members are a list. */
  readonly rule: unknown;
}

/** What a workspace's audiences must be told of. */
export interface Interests {
  /** Of which audiences, by the workspace's `audience_epoch`. */
  readonly epoch: number;
  /** The IDs of the audiences for which an event may change whether its profile belongs to them. */
  readonly touchedBy: (event: NormalEvent) => readonly string[];
  /** Those that a profile may belong to by its first event, whatever that is. */
  readonly ofStrangers: readonly string[];
  /** Those that ask for orders or revenue. */
  readonly ofOrders: readonly string[];
}

/** What the audiences of each workspace must be told of, as it was read last. */
export type InterestsOf = Map<string, Interests>;

interface Follower {
  readonly audienceId: string;
  /** null: this version does not know what the rule says, so everything may change its answer. */
  readonly needs: RuleNeeds | null;
  readonly isOfStrangers: boolean;
}

/** As many kinds of events are remembered with whom they touch. */
const MAX_KINDS = 1_000;
const AN_ORDER: SeenEvent = { type: 'track', name: 'Order Completed', traits: [], isOrder: true };

/** Reads the rules once; asked for every event then. */
export function createInterests(epoch: number, rules: readonly FollowedRule[]): Interests {
  const followers = rules.flatMap(followerOf);
  const idsOf = (found: readonly Follower[]) => [...new Set(found.map(({ audienceId }) => audienceId))];
  const touched = (event: SeenEvent) =>
    idsOf(followers.filter(({ needs }) => needs === null || isTouched(needs, event)));
  const known = new Map<string, readonly string[]>();
  return {
    epoch,
    ofStrangers: idsOf(followers.filter(({ isOfStrangers }) => isOfStrangers)),
    ofOrders: idsOf(
      followers.filter(
        ({ needs }) => needs === null || isTouched({ ...needs, events: [], traits: [] }, AN_ORDER),
      ),
    ),
    touchedBy(event) {
      const traits = event.type === 'identify' ? traitsIn(event.traitValues) : [];
      const seen = { type: event.type, name: event.name, traits, isOrder: event.order !== null };
      if (traits.length > 0) return touched(seen);
      const kind = JSON.stringify([seen.type, seen.name, seen.isOrder]);
      let ids = known.get(kind);
      if (ids === undefined) {
        if (known.size >= MAX_KINDS) known.clear();
        ids = touched(seen);
        known.set(kind, ids);
      }
      return ids;
    },
  };
}

function followerOf({ audienceId, rule }: FollowedRule): Follower[] {
  if (rule === null) return [];
  const checked = checkRule(rule);
  if (!checked.ok) return [{ audienceId, needs: null, isOfStrangers: true }];
  const isOfStrangers = mayHoldForStranger(checked.rule);
  return [{ audienceId, needs: needsOf(checked.rule), isOfStrangers }];
}

/** Of once-only traits the names alone. */
function traitsIn(values: NormalEvent['traitValues']): string[] {
  if (values === null) return [];
  const once = values[ONCE];
  return [...Object.keys(values), ...(isObject(once) ? Object.keys(once) : [])];
}
