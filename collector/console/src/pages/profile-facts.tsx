import { useState } from 'preact/hooks';
import { wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { JsonView } from '../parts/json-view';
import { campaignOf } from '../summary';
import type { Interval, ProfileDetail, TraitDetail } from '../wire';

/** What is known about a profile besides its events. */
export function ProfileFacts({ profile }: { readonly profile: ProfileDetail }) {
  return (
    <div class="facts-column">
      <section class="panel">
        <h2>Identifiers</h2>
        <dl class="facts">
          {profile.identifiers.map(({ kind, value, intervals }) => (
            <div key={`${kind}:${value}`}>
              <dt>{{ user: 'User ID', email: 'Email', anonymous: 'Anonymous ID' }[kind]}</dt>
              <dd>
                {value}
                {intervals.map((interval) => (
                  <When key={interval.from} interval={interval} />
                ))}
              </dd>
            </div>
          ))}
        </dl>
        {profile.identifierCount > profile.identifiers.length && (
          <p class="muted">{wholeNumber(profile.identifierCount - profile.identifiers.length)} more</p>
        )}
      </section>
      <Traits details={profile.traitDetails} />
      <Visits profile={profile} />
      <section class="panel">
        <h2>Audiences</h2>
        {profile.audiences.length === 0 && <p class="muted">In none.</p>}
        <ul class="plain">
          {profile.audiences.map(({ id, name, enteredAt }) => (
            <li key={id}>
              <a href={`/console/audiences/${id}`}>{name}</a>
              <span class="muted">
                since <Ago at={enteredAt} />
              </span>
            </li>
          ))}
        </ul>
      </section>
      <RawJson profile={profile} />
    </div>
  );
}

/** Of an identifier that was not always theirs, when it was. */
function When({ interval: { from, to } }: { readonly interval: Interval }) {
  if (from === null && to === null) return null;
  return (
    <span class="origin" title={`${from ?? 'the beginning'} – ${to ?? 'now'}`}>
      {from === null ? 'until ' : 'from '}
      <Ago at={(from ?? to)!} />
      {from !== null && to !== null && (
        <>
          {' until '}
          <Ago at={to} />
        </>
      )}
    </span>
  );
}

function Traits({ details }: { readonly details: readonly TraitDetail[] }) {
  const shown = details.filter(({ isShown }) => isShown);
  return (
    <section class="panel">
      <h2>Traits</h2>
      {shown.length === 0 ? (
        <p class="muted">No identify call has told any.</p>
      ) : (
        <table class="pairs">
          <tbody>
            {shown.map(({ trait, value, isOnce, at, messageId, source }) => (
              <tr key={trait}>
                <th scope="row">{trait}</th>
                <td>
                  {typeof value === 'string' ? value : <code>{JSON.stringify(value)}</code>}
                  <span class="origin" title={`Message ${messageId}`}>
                    {isOnce && 'once only, '}
                    <Ago at={at} />
                    {source?.name && `, ${source.name}`}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Where they came from first, and where they were last. */
function Visits({
  profile: { firstCampaign, firstReferrer, lastPage },
}: {
  readonly profile: ProfileDetail;
}) {
  if (!firstCampaign && !firstReferrer && !lastPage) return null;
  const { at: since, ...campaign } = firstCampaign ?? { at: '' };
  const facts = [
    firstCampaign && {
      label: 'First campaign',
      text: campaignOf(campaign),
      at: since,
    },
    firstReferrer && { label: 'First referrer', text: firstReferrer.url, at: firstReferrer.at },
    lastPage && {
      label: 'Last page',
      text: lastPage.url ?? lastPage.path ?? lastPage.title ?? lastPage.name ?? 'unnamed',
      at: lastPage.at,
    },
  ];
  return (
    <section class="panel">
      <h2>Visits</h2>
      <dl class="facts">
        {facts.map(
          (fact) =>
            fact && (
              <div key={fact.label}>
                <dt>{fact.label}</dt>
                <dd>
                  {fact.text}
                  <span class="origin">
                    <Ago at={fact.at} />
                  </span>
                </dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

function RawJson({ profile }: { readonly profile: ProfileDetail }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>JSON</summary>
      {open && <JsonView value={profile} label="profile as JSON" />}
    </details>
  );
}
