import { hashText } from '../core/sha256';
import { optionsError } from '../errors';

/** An experiment, as the page defines it. */
export interface Experiment {
  /** Names it, in events too: any text without a colon. Another key is another draw. */
  readonly key: string;
  /** The variants' names, for equal chances, or a weight for each: `{ control: 3, blue: 1 }`. */
  readonly variants: readonly string[] | Readonly<Record<string, number>>;
  /** How many take part, from 0 to 1. Raising it adds to those who did, and moves nobody. @default 1 */
  readonly share?: number;
  /** Whom a variant sticks to: this browser's anonymous ID, or the user, and then nobody who is not known. @default 'anonymous' */
  readonly unit?: 'anonymous' | 'user';
}

const SPAN = 2 ** 32;

function readWeights({ variants }: Experiment): readonly (readonly [variant: string, weight: number])[] {
  return Array.isArray(variants)
    ? (variants as readonly string[]).map((name) => [name, 1] as const)
    : Object.entries(variants as Readonly<Record<string, number>>);
}

/**
 * The variant of a unit, an anonymous or user ID: always the same one for the same key, variants and weights, on any
 * machine; undefined where the unit does not take part or is empty.
 *
 * It takes part if the first 32 bits of SHA-256 of `key:unit`, over 2^32, are less than `share` (the bucket of an
 * audience's rule is made the same way). Each variant then draws u = (first 32 bits of SHA-256 of `key:variant:unit` +
 * 0.5) / 2^32, and the smallest −ln(u) / weight wins (rendezvous hashing, with weights: Schindelhauer and Schomaker,
 * 2005). So the order of variants means nothing; one that is added takes from the others in proportion, one that is
 * removed or weighs less gives to the others, and nobody else moves. With ranges that lie side by side, any change
 * would move people between variants that were not touched.
 */
export function assign(experiment: Experiment, unitId: string): string | undefined {
  const { key, share = 1 } = experiment;
  if (!unitId || hashText(`${key}:${unitId}`) / SPAN >= share) return undefined;
  const scores = readWeights(experiment).map(([variant, weight]) => {
    const drawn = (hashText(`${key}:${variant}:${unitId}`) + 0.5) / SPAN;
    return { variant, score: weight > 0 ? -Math.log(drawn) / weight : Infinity };
  });
  scores.sort((a, b) => a.score - b.score || (a.variant < b.variant ? -1 : 1));
  return scores[0]?.variant;
}

/** @throws TypeError that names what is wrong with which experiment */
export function checkExperiments(definitions: readonly Experiment[]): void {
  const isName = (name: unknown): boolean => typeof name === 'string' && /^[^:]+$/.test(name);
  const keys = definitions.map(({ key }) => key);
  const bad = definitions.flatMap((experiment, index) => {
    const { key, share = 1, unit = 'anonymous' } = experiment;
    const weights = readWeights({ ...experiment, variants: experiment.variants ?? [] });
    const areGood =
      weights.every(([name, weight]) => isName(name) && weight >= 0 && weight < Infinity) &&
      weights.some(([, weight]) => weight > 0) &&
      new Set(weights.map(([name]) => name)).size === weights.length;
    return [
      ...(isName(key) && keys.indexOf(key) === index ? [] : [`${key}.key`]),
      ...(areGood ? [] : [`${key}.variants`]),
      ...(share >= 0 && share <= 1 ? [] : [`${key}.share`]),
      ...(unit === 'anonymous' || unit === 'user' ? [] : [`${key}.unit`]),
    ];
  });
  if (bad.length > 0) throw optionsError(bad);
}
