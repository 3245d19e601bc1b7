import { whenActivated } from '../browser/lifecycle';
import { attempt } from '../core/attempt';
import type { TrackCalls, Undo } from '../entry/calls';
import { resolveChoices } from '../entry/choices';
import { STANDARD } from './choices';
import type { AutocaptureOptions, PageSeen, Recorder } from './choices';
import { followClicks } from './clicks';
import { followForms } from './forms';
import { followPageUse } from './page-use';
import { followRageClicks } from './rage-clicks';

export type { AutocaptureOptions };

/**
 * Records clicks, forms, links to elsewhere, downloads, how far pages are seen and how long they are used. What
 * visitors write is never read, but for fields that say `data-tl-value`, and of those no password, card or hidden
 * one. On a server it does nothing.
 *
 * @returns its undo
 * @throws TypeError that names every option that is unknown or of the wrong type
 */
export function autocapture(tracker: TrackCalls, options?: AutocaptureOptions): Undo {
  const choices = resolveChoices(STANDARD, options);
  if (typeof document === 'undefined') return () => undefined;
  const life = new AbortController();
  const { signal } = life;
  const safely = (work: () => void): void => attempt(work);
  const track = (name: string, properties: object, page?: PageSeen): void => {
    tracker.track(name, properties, page && { context: { page } });
  };
  const record: Recorder = Object.assign(track, { safely });

  if (choices.clicks || choices.outboundLinks || choices.downloads) followClicks(record, choices, signal);
  if (choices.rageClicks) followRageClicks(record, choices, signal);
  if (choices.forms) followForms(record, signal);
  if (choices.scrollDepth || choices.engagement) {
    whenActivated(() => {
      if (!signal.aborted) followPageUse(record, choices, signal);
    });
  }
  return () => life.abort();
}
