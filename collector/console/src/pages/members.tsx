import { Ago } from '../parts/ago';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Skeleton } from '../parts/screen';
import { Who } from '../parts/who';
import { usePages, useReload } from '../use-answer';
import type { Audience, Member } from '../wire';

/** Who is in an audience now, newest first; read again when it was rebuilt. */
export function Members({ audience }: { readonly audience: Audience }) {
  const pages = usePages<Member>(`/v1/audiences/${encodeURIComponent(audience.id)}/members?limit=100`);
  const { items, failure, reload } = pages;
  useReload(reload, audience.rebuiltAt);
  return (
    <section aria-labelledby="members-title">
      <h2 id="members-title" class="section-title">
        Members
      </h2>
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={5} />}
      {items?.length === 0 && <p class="muted footnote">Nobody matches the rule now.</p>}
      {items && items.length > 0 && <MemberTable members={items} />}
      <More pages={pages} />
    </section>
  );
}

function MemberTable({ members }: { readonly members: readonly Member[] }) {
  return (
    <div class="table-box">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Profile</th>
            <th scope="col">User ID</th>
            <th scope="col">Entered</th>
          </tr>
        </thead>
        <tbody>
          {members.map((member) => (
            <tr key={member.profileId}>
              <th scope="row">
                <Who identity={member} profileId={member.profileId} />
              </th>
              <td data-label="User ID">{member.userId ?? <span class="muted">–</span>}</td>
              <td data-label="Entered">
                <Ago at={member.enteredAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
