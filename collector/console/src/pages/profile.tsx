import { useRoute } from 'preact-iso';
import { counted, nameOf, revenueOf, wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { useAnswer } from '../use-answer';
import type { ProfileDetail } from '../wire';
import { ProfileFacts } from './profile-facts';
import { Warnings } from './profile-warnings';
import { Timeline } from './timeline';

export function Profile() {
  const id = useRoute().params['id'] ?? '';
  const {
    value: profile,
    failure,
    reload,
  } = useAnswer<ProfileDetail>(`/v1/profiles/${encodeURIComponent(id)}?verbose=true`);
  if (profile) return <Known profile={profile} onReload={reload} />;
  if (failure?.status === 404) {
    return (
      <Screen title="Profile">
        <Empty title="There is no such profile">
          <p>
            It was never seen here, or it was erased. <a href="/console/profiles">All profiles</a>
          </p>
        </Empty>
      </Screen>
    );
  }
  return (
    <Screen title="Profile">
      {failure ? <Problem failure={failure} onRetry={reload} /> : <Skeleton rows={6} />}
    </Screen>
  );
}

interface KnownProps {
  readonly profile: ProfileDetail;
  readonly onReload: () => void;
}

function Known({ profile, onReload }: KnownProps) {
  const { label, full, anonymous } = nameOf(profile);
  const name = profile.traits['name'];
  return (
    <Screen
      title={label}
      heading={<span title={full}>{label}</span>}
      lead={
        <>
          <a href="/console/profiles">Profiles</a>
          <span class="parted">
            {typeof name === 'string' ? name : anonymous ? 'Not identified yet' : 'Known'}
          </span>
        </>
      }
      actions={
        <button type="button" onClick={onReload}>
          <Icon name="refresh" />
          Refresh
        </button>
      }
    >
      <Warnings profile={profile} />
      <Figures profile={profile} />
      <div class="columns">
        <ProfileFacts profile={profile} />
        <Timeline key={profile.id} profile={profile} />
      </div>
    </Screen>
  );
}

function Figures({ profile }: { readonly profile: ProfileDetail }) {
  return (
    <dl class="figures">
      <div>
        <dt>Revenue</dt>
        <dd>{revenueOf(profile.revenue)}</dd>
      </div>
      <div>
        <dt>Orders</dt>
        <dd>{wholeNumber(profile.orders)}</dd>
      </div>
      <div>
        <dt>Events</dt>
        <dd title={counted(profile.events, 'event')}>{wholeNumber(profile.events)}</dd>
      </div>
      <div>
        <dt>Page views</dt>
        <dd>{wholeNumber(profile.pages)}</dd>
      </div>
      <div>
        <dt>First seen</dt>
        <dd>
          <Ago at={profile.firstSeenAt} />
        </dd>
      </div>
      <div>
        <dt>Last seen</dt>
        <dd>
          <Ago at={profile.lastSeenAt} />
        </dd>
      </div>
    </dl>
  );
}
