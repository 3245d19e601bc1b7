import { useState } from 'preact/hooks';
import { Ago } from '../parts/ago';
import { JsonView } from '../parts/json-view';
import type { JsonObject, ProfileDetail } from '../wire';

/** What is known about a profile besides its events. */
export function ProfileFacts({ profile }: { readonly profile: ProfileDetail }) {
  return (
    <div class="facts-column">
      <section class="panel">
        <h2>Identifiers</h2>
        <dl class="facts">
          {profile.identifiers.map(({ kind, value }) => (
            <div key={`${kind}:${value}`}>
              <dt>{{ user: 'User ID', email: 'Email', anonymous: 'Anonymous ID' }[kind]}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <Traits traits={profile.traits} />
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

function Traits({ traits }: { readonly traits: JsonObject }) {
  const entries = Object.entries(traits);
  return (
    <section class="panel">
      <h2>Traits</h2>
      {entries.length === 0 ? (
        <p class="muted">No identify call has told any.</p>
      ) : (
        <table class="pairs">
          <tbody>
            {entries.map(([key, value]) => (
              <tr key={key}>
                <th scope="row">{key}</th>
                <td>{typeof value === 'string' ? value : <code>{JSON.stringify(value)}</code>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
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
