import type { Destination } from '../wire-destinations';

/** Nothing where all is well. */
export function StateBadge({ destination }: { readonly destination: Destination }) {
  const { state, waiting } = destination;
  if (state === 'paused') return <span class="badge">paused</span>;
  if (state === 'gone') return <span class="badge badge-failed">gone</span>;
  if (waiting > 0) return <span class="badge badge-failed">retrying</span>;
  return null;
}
