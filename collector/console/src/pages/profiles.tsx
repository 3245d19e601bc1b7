import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { address } from '../api';
import { counted, nameOf, revenueOf, wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { Who } from '../parts/who';
import { usePages } from '../use-answer';
import type { Profile } from '../wire';

const PAGE_SIZE = 50;
const TYPING_MS = 250;

export function Profiles() {
  const search = useLocation().query['search'] ?? '';
  const pages = usePages<Profile>(address('/v1/profiles', { search, limit: PAGE_SIZE }));
  const { items, failure } = pages;
  return (
    <Screen
      title="Profiles"
      lead="Everybody who was seen, most recent first"
      actions={<Search search={search} />}
    >
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={8} />}
      {items?.length === 0 && <Nobody search={search} />}
      {items && items.length > 0 && <ProfileTable profiles={items} busy={pages.loading} />}
      <More pages={pages} />
      <p class="unseen" aria-live="polite">
        {items && search !== '' && `${counted(items.length, 'profile')} found.`}
      </p>
    </Screen>
  );
}

/** What is searched stands in the address, so that a link or a reload finds it again. */
function Search({ search }: { readonly search: string }) {
  const { route } = useLocation();
  const [text, setText] = useState(search);
  const asked = useRef(search);
  useEffect(() => {
    if (search !== asked.current) setText(search);
    asked.current = search;
  }, [search]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text.trim() === asked.current) return;
      asked.current = text.trim();
      route(address('/console/profiles', { search: text.trim() }), true);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">Search profiles</span>
      <input
        type="search"
        name="search"
        placeholder="Email, user ID, anonymous ID"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

function Nobody({ search }: { readonly search: string }) {
  if (search === '') {
    return (
      <Empty title="Nobody yet">
        <p>
          A profile appears with its first event. <a href="/console/">How to send one</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="Nobody found">
      <p>
        No profile matches “{search}”. <a href="/console/profiles">Show all</a>
      </p>
    </Empty>
  );
}

function ProfileTable({ profiles, busy }: { readonly profiles: readonly Profile[]; readonly busy: boolean }) {
  return (
    <div class="table-box" aria-busy={busy}>
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Profile</th>
            <th scope="col">Last seen</th>
            <th scope="col">First seen</th>
            <th scope="col" class="number">
              Events
            </th>
            <th scope="col" class="number">
              Orders
            </th>
            <th scope="col" class="number">
              Revenue
            </th>
          </tr>
        </thead>
        <tbody>
          {profiles.map((profile) => (
            <ProfileLine key={profile.id} profile={profile} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProfileLine({ profile }: { readonly profile: Profile }) {
  const name = profile.traits['name'];
  return (
    <tr>
      <th scope="row">
        <Who identity={profile} profileId={profile.id} />
        {typeof name === 'string' && name !== nameOf(profile).label && (
          <span class="second-name">{name}</span>
        )}
      </th>
      <td data-label="Last seen">
        <Ago at={profile.lastSeenAt} />
      </td>
      <td data-label="First seen" class="when-wide">
        <Ago at={profile.firstSeenAt} />
      </td>
      <td data-label="Events" class="number">
        {wholeNumber(profile.events)}
      </td>
      <td data-label="Orders" class="number">
        {wholeNumber(profile.orders)}
      </td>
      <td data-label="Revenue" class="number">
        {revenueOf(profile.revenue)}
      </td>
    </tr>
  );
}
