import type { TimelineEvent } from '../wire';

/** By which identifier an event is on a timeline: how a history from before the sign-in was found. */
export function Via({ via }: { readonly via: TimelineEvent['via'] | undefined }) {
  if (!via) return null;
  const { kind, value } = via;
  return (
    <span class="via" title={`On this timeline by ${kind} ${value}`}>
      {kind === 'user' ? 'user ID' : kind}
    </span>
  );
}
