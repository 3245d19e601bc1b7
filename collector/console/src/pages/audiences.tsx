import { wholeNumber } from '../format';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { usePages } from '../use-answer';
import type { Audience } from '../wire';
import { StateBadge } from './audience-state';

export function Audiences() {
  const pages = usePages<Audience>('/v1/audiences?limit=100');
  const { items, failure } = pages;
  const create = (
    <a class="button button-main" href="/console/audiences/new">
      <Icon name="plus" />
      New audience
    </a>
  );
  return (
    <Screen
      title="Audiences"
      lead="Profiles that match a rule or are on a list, kept current"
      actions={create}
    >
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={4} />}
      {items?.length === 0 && (
        <Empty title="No audience yet">
          <p>
            An audience is a rule over traits and events, such as “spent 100 or more in 30 days”, and its
            members; or a list of people.
          </p>
        </Empty>
      )}
      {items && items.length > 0 && <AudienceTable audiences={items} />}
      <More pages={pages} />
    </Screen>
  );
}

function AudienceTable({ audiences }: { readonly audiences: readonly Audience[] }) {
  return (
    <div class="table-box">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Audience</th>
            <th scope="col">Key</th>
            <th scope="col">Kind</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Members
            </th>
          </tr>
        </thead>
        <tbody>
          {audiences.map((audience) => (
            <tr key={audience.id}>
              <th scope="row">
                <a class="who" href={`/console/audiences/${audience.id}`}>
                  {audience.name}
                </a>
              </th>
              <td data-label="Key">
                <code>{audience.key}</code>
              </td>
              <td data-label="Kind">{audience.kind === 'static' ? 'list' : 'rule'}</td>
              <td data-label="State">
                <StateBadge audience={audience} />
              </td>
              <td data-label="Members" class="number">
                {wholeNumber(audience.size)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
