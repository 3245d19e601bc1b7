import { useEffect, useState } from 'preact/hooks';
import { openSession } from '../api';
import { Ago } from '../parts/ago';
import { Who } from '../parts/who';
import { type FeedState, keepOpen } from '../stream';
import type { Audience, AudienceChange } from '../wire';

const SHOWN = 20;
/** Many changes in a row are one look at the rest of the page. */
const TELL_AFTER_MS = 300;

interface ChangesProps {
  readonly audience: Audience;
  /** Somebody entered or exited since the page was opened. */
  readonly onChange: () => void;
}

/** Who entered and exited last, and who does while it is looked at. */
export function Changes({ audience, onChange }: ChangesProps) {
  const { id } = audience;
  const [changes, setChanges] = useState<readonly AudienceChange[]>([]);
  const [state, setState] = useState<FeedState>('connecting');
  useEffect(() => {
    const known = Number(audience.lastChange);
    let last = Math.max(0, known - SHOWN);
    let telling: ReturnType<typeof setTimeout> | undefined;
    const take = (change: AudienceChange): void => {
      last = Number(change.id);
      setChanges((before) => [change, ...before].slice(0, SHOWN));
      if (last > known) telling ??= setTimeout(tell, TELL_AFTER_MS);
    };
    const tell = (): void => {
      telling = undefined;
      onChange();
    };
    setChanges([]);
    const close = keepOpen<AudienceChange>({
      open: () => new EventSource(`/v1/audiences/${encodeURIComponent(id)}/changes/live?since=${last}`),
      message: 'change',
      onRefused: () => void openSession(),
      onMessage: take,
      onState: setState,
    });
    return () => {
      clearTimeout(telling);
      close();
    };
    // What comes after this audience was first shown is told by the stream itself.
  }, [id]);
  return (
    <section class="panel" aria-labelledby="changes-title">
      <h2 id="changes-title">
        Changes <span class={`connection connection-${state}`}>{WORDS[state]}</span>
      </h2>
      {changes.length === 0 ? (
        <p class="muted">Nobody has entered or left yet.</p>
      ) : (
        <ol class="plain" aria-label="Changes, newest first">
          {changes.map((change) => (
            <li key={change.id}>
              <span>
                <Who identity={change} profileId={change.profileId} />{' '}
                {change.change === 'entered' ? 'entered' : 'left'}
                <span class="origin">{CAUSES[change.cause] ?? change.cause}</span>
              </span>
              <Ago at={change.at} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

const WORDS = { connecting: 'connecting…', live: 'live', waiting: 'trying again…' } as const;

/** What led to it, in words. */
export const CAUSES: Readonly<Record<string, string>> = {
  event: 'by an event',
  clock: 'by the time that passed',
  rebuild: 'by a rebuild',
  list: 'by hand',
  erasure: 'erased',
};
