import { useAnswer } from '../use-answer';
import type { TimelineEvent, Why } from '../wire';

/** Which claim put an event on a profile, in a sentence. */
export function WhyHere({ event, profileId }: { readonly event: TimelineEvent; readonly profileId: string }) {
  const path = `/v1/profiles/${profileId}/why/${encodeURIComponent(event.messageId)}`;
  const { value, failure } = useAnswer<Why>(path);
  return (
    <section aria-busy={!value && !failure}>
      <h3>why it is here</h3>
      <p>{value?.sentence ?? failure?.message ?? '…'}</p>
    </section>
  );
}
