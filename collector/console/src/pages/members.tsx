import { useState } from 'preact/hooks';
import { remove } from '../api';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { Who } from '../parts/who';
import { toastDone, toastFailure } from '../toasts';
import { usePages, useReload } from '../use-answer';
import type { Audience, Clause, Found, Member, MemberPage } from '../wire';
import { CAUSES } from './audience-changes';
import { textOf } from './rule-value';

interface MembersProps {
  readonly audience: Audience;
  readonly onChange: () => void;
}

interface RowsProps extends MembersProps {
  /** What its rule asks, as the paths name it; none where why is not asked for. */
  readonly clauses: readonly Clause[];
}

const PAGE = 50;

/** Who is in an audience now, newest first, and why; read again when somebody enters or exits. */
export function Members({ audience, onChange }: MembersProps) {
  const [why, setWhy] = useState(false);
  const path = `/v1/audiences/${encodeURIComponent(audience.id)}/members?limit=${PAGE}`;
  const pages = usePages<Member, MemberPage>(why ? `${path}&why=true` : path);
  const { first, items, failure, reload } = pages;
  useReload(reload, `${audience.lastChange} ${audience.rebuiltAt}`);
  const isList = audience.kind === 'static';
  return (
    <section aria-labelledby="members-title">
      <div class="section-head">
        <h2 id="members-title" class="section-title">
          Members
        </h2>
        {!isList && (
          <button type="button" class="button-quiet" aria-pressed={why} onClick={() => setWhy(!why)}>
            {why ? 'Hide why' : 'Show why'}
          </button>
        )}
      </div>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={5} />}
      {items?.length === 0 && (
        <p class="muted footnote">{isList ? 'Nobody is on the list.' : 'Nobody matches the rule now.'}</p>
      )}
      {items && items.length > 0 && (
        <MemberTable members={items} clauses={first?.clauses ?? []} audience={audience} onChange={onChange} />
      )}
      <More pages={pages} />
    </section>
  );
}

function MemberTable({ members, ...shown }: RowsProps & { readonly members: readonly Member[] }) {
  const isList = shown.audience.kind === 'static';
  return (
    <div class="table-box">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Profile</th>
            <th scope="col">User ID</th>
            <th scope="col">Since</th>
            {isList && <th scope="col">List</th>}
          </tr>
        </thead>
        <tbody>
          {members.map((member) => (
            <MemberRow key={member.profileId} member={member} {...shown} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MemberRow({ member, clauses, audience, onChange }: RowsProps & { readonly member: Member }) {
  return (
    <tr>
      <th scope="row">
        <Who identity={member} profileId={member.profileId} />
        {member.why && <Why found={member.why} clauses={clauses} />}
      </th>
      <td data-label="User ID">{member.userId ?? <span class="muted">–</span>}</td>
      <td data-label="Since">
        <Ago at={member.enteredAt} />
        <span class="origin">{CAUSES[member.cause] ?? member.cause}</span>
      </td>
      {audience.kind === 'static' && (
        <td data-label="List">
          <TakeOff member={member} audience={audience} onChange={onChange} />
        </td>
      )}
    </tr>
  );
}

/** What each clause of the rule found of a member; those that do not hold as well, since a rule may want that. */
function Why({ found, clauses }: { readonly found: readonly Found[]; readonly clauses: readonly Clause[] }) {
  const texts = new Map(clauses.map(({ path, text }) => [path, text]));
  return (
    <ul class="why">
      {found.map(({ path, holds, value }) => (
        <li key={path} class={holds ? 'why-holds' : 'why-not'}>
          <Icon name={holds ? 'check' : 'close'} />
          <span>
            <span class="unseen">{holds ? 'Holds: ' : 'Does not hold: '}</span>
            {texts.get(path) ?? path}
            {value !== null && <span class="muted"> ({textOf(value)})</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function TakeOff({ member, audience, onChange }: MembersProps & { readonly member: Member }) {
  const takeOff = async (): Promise<void> => {
    const place = `/v1/audiences/${encodeURIComponent(audience.id)}/members`;
    const answer = await remove(`${place}/${encodeURIComponent(member.profileId)}`);
    if (!answer.ok) return toastFailure(answer);
    toastDone('Taken off the list.');
    onChange();
  };
  return (
    <button type="button" class="button-quiet" onClick={takeOff}>
      <Icon name="close" />
      Take off
    </button>
  );
}
