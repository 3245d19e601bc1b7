import { attempt } from '../core/attempt';
import type { TrackCalls } from '../entry/calls';
import { resolveChoices } from '../entry/choices';
import { assign, checkExperiments } from './assign';
import type { Experiment } from './assign';
import { createExposures } from './exposures';

export { assign };
export type { Experiment };

/** What is needed of a tracker; every tracker has it. */
export interface VisitorCalls extends TrackCalls {
  anonymousId(): string;
  user(): { readonly userId?: string | undefined };
  readonly consent?: { get(): string };
  on?(topic: 'forget', listener: () => unknown): unknown;
}

/** How `experiments()` works. */
export interface ExperimentsOptions {
  /** Variants by experiment, in place of the draw: for tests. Nothing is recorded of them. @default {} */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The page's address may say so too, `?tl_variant=checkout:blue`, by this parameter; empty for none. @default 'tl_variant' */
  readonly parameter?: string;
  /** Keep in localStorage which exposures were recorded. Without it, or without consent: once for each page. @default true */
  readonly remember?: boolean;
}

/** The page's experiments for this visitor. */
export interface Experiments {
  /** The variant that the visitor now gets to see, and records that, once. Undefined: they do not take part. */
  variant(key: string): string | undefined;
  /** The same, and records nothing: to prepare what may never be seen. */
  peek(key: string): string | undefined;
}

const STANDARD: Required<ExperimentsOptions> = { overrides: {}, parameter: 'tl_variant', remember: true };

/**
 * Experiments over a tracker, by definitions of the page's own. On a server, and while consent is pending, there is no
 * visitor: every variant is undefined.
 *
 * @throws TypeError that names every option and definition that is wrong
 */
export function experiments(
  tracker: VisitorCalls,
  definitions: readonly Experiment[],
  options?: ExperimentsOptions,
): Experiments {
  const { overrides, parameter, remember } = resolveChoices(STANDARD, options);
  checkExperiments(definitions);
  const byKey = new Map(definitions.map((experiment) => [experiment.key, experiment]));
  const forced = { ...readAddress(parameter), ...overrides };
  const hasConsent = (): boolean => (tracker.consent?.get() ?? 'granted') === 'granted';
  const exposures = createExposures(() => remember && hasConsent());
  tracker.on?.('forget', exposures.forget);

  const unitOf = ({ unit }: Experiment): string =>
    (unit === 'user' ? tracker.user().userId : tracker.anonymousId()) ?? '';
  const isVariant = ({ variants }: Experiment, name: string | undefined): boolean =>
    name !== undefined && (Array.isArray(variants) ? variants : Object.keys(variants)).includes(name);

  const peek = (key: string): string | undefined => {
    const experiment = byKey.get(key);
    if (!experiment) return undefined;
    return isVariant(experiment, forced[key]) ? forced[key] : assign(experiment, unitOf(experiment));
  };
  const variant = (key: string): string | undefined => {
    const name = peek(key);
    const experiment = byKey.get(key);
    if (!experiment || !name || isVariant(experiment, forced[key])) return name;
    if (exposures.isFirst(key, name, unitOf(experiment))) {
      // The name and the words of Segment's specification for A/B tests, so that its clients' exposures are the same.
      tracker.track('Experiment Viewed', {
        experiment_id: key,
        variation_id: name,
        unit: experiment.unit ?? 'anonymous',
      });
    }
    return name;
  };
  return { peek: (key) => attempt(() => peek(key)), variant: (key) => attempt(() => variant(key)) };
}

/** `?tl_variant=checkout:blue&tl_variant=price:high` */
function readAddress(parameter: string): Readonly<Record<string, string>> {
  if (!parameter || typeof location === 'undefined') return {};
  const said = new URLSearchParams(location.search).getAll(parameter).map((text) => text.split(':'));
  return Object.fromEntries(said.map(([key = '', variant = '']) => [key, variant] as const));
}
