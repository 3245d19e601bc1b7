import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { address } from '../api';
import { counted, nameOf, revenueOf, wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon, type IconName } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { Who } from '../parts/who';
import { usePages } from '../use-answer';
import type { Profile } from '../wire';
import { filterOf, sortQuery, SORTS } from './profile-query';

const PAGE_SIZE = 50;
const TYPING_MS = 250;

export function Profiles() {
  const { search = '', sort = '', trait = '' } = useLocation().query;
  const filter = filterOf(trait);
  const pages = usePages<Profile>(
    address('/v1/profiles', { search, ...sortQuery(sort), filter, limit: PAGE_SIZE }),
  );
  const { items, failure, total } = pages;
  const isNarrowed = search !== '' || filter !== '';
  return (
    <Screen
      title="Profiles"
      lead={total === undefined ? 'Everybody who was seen' : counted(total, 'profile')}
      actions={
        <>
          <TypedField name="search" label="Search profiles" placeholder="Email or ID" icon="search" />
          <TypedField
            name="trait"
            label="Filter by a trait"
            placeholder="Trait: plan = pro"
            icon="audiences"
          />
          <Sort chosen={sort} />
        </>
      }
    >
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={8} />}
      {items?.length === 0 && <Nobody isNarrowed={isNarrowed} />}
      {items && items.length > 0 && <ProfileTable profiles={items} busy={pages.loading} />}
      <More pages={pages} />
      <p class="unseen" aria-live="polite">
        {items && isNarrowed && `${counted(total ?? items.length, 'profile')} found.`}
      </p>
    </Screen>
  );
}

/** Changes one parameter of the page's address, so that a link or a reload finds the same list again. */
function useParameter(name: string): readonly [value: string, change: (value: string) => void] {
  const { query, route } = useLocation();
  return [
    query[name] ?? '',
    (value) => route(address('/console/profiles', { ...query, [name]: value }), true),
  ];
}

function Sort({ chosen }: { readonly chosen: string }) {
  const [, change] = useParameter('sort');
  return (
    <label>
      <span class="unseen">Sort profiles</span>
      <select value={chosen} onChange={(event) => change(event.currentTarget.value)}>
        {Object.entries(SORTS).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TypedFieldProps {
  readonly name: string;
  readonly label: string;
  readonly placeholder: string;
  readonly icon: IconName;
}

/** A field whose text is asked for once somebody stops typing. */
function TypedField({ name, label, placeholder, icon }: TypedFieldProps) {
  const [value, change] = useParameter(name);
  const [text, setText] = useState(value);
  const asked = useRef(value);
  useEffect(() => {
    if (value !== asked.current) setText(value);
    asked.current = value;
  }, [value]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text.trim() === asked.current) return;
      asked.current = text.trim();
      change(text.trim());
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <Icon name={icon} />
      <span class="unseen">{label}</span>
      <input
        type="search"
        name={name}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

function Nobody({ isNarrowed }: { readonly isNarrowed: boolean }) {
  if (!isNarrowed) {
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
        No profile matches. <a href="/console/profiles">Show all</a>
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
