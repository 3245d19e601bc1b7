import { absoluteTime, relativeTime } from '../format';
import { now } from '../now';

/** A moment as its distance from now, with the whole of it in the tooltip. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={absoluteTime(at)}>
      {relativeTime(at, now.value)}
    </time>
  );
}
