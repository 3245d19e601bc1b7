import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { address } from '../api';
import type { ProfileDetail } from '../wire';
import { TimelineEvents } from './timeline-events';
import { NO_FILTER } from './timeline-filters';
import { TimelineSessions } from './timeline-sessions';

/** What a profile did: by event or by session. Which of the two stands in the page's address, so that a link finds it again. */
export function Timeline({ profile }: { readonly profile: ProfileDetail }) {
  const [filter, setFilter] = useState(NO_FILTER);
  const { path, query } = useLocation();
  const isBySession = query['view'] === 'sessions';
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <div class="timeline-head">
        <h2 id="timeline-title">Timeline</h2>
        <nav class="switch" aria-label="Timeline by">
          <a href={address(path, { ...query, view: '' })} aria-current={!isBySession}>
            Events
          </a>
          <a href={address(path, { ...query, view: 'sessions' })} aria-current={isBySession}>
            Sessions
          </a>
        </nav>
      </div>
      {isBySession ? (
        <TimelineSessions profile={profile} />
      ) : (
        <TimelineEvents profile={profile} filter={filter} onFilter={setFilter} />
      )}
    </section>
  );
}
