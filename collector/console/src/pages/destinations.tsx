import { wholeNumber } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { usePages } from '../use-answer';
import { type Destination, outcomeOf } from '../wire-destinations';
import { StateBadge } from './destination-state';

export function Destinations() {
  const pages = usePages<Destination>('/v1/destinations?limit=100');
  const { items, failure } = pages;
  const create = (
    <a class="button button-main" href="/console/destinations/new">
      <Icon name="plus" />
      New destination
    </a>
  );
  return (
    <Screen title="Destinations" lead="Told who enters and exits audiences, as it happens" actions={create}>
      {!items && failure && <Problem failure={failure} onRetry={pages.reload} />}
      {!items && !failure && <Skeleton rows={4} />}
      {items?.length === 0 && (
        <Empty title="No destination yet">
          <p>A destination is a webhook of yours that gets the changes of audiences as signed requests.</p>
        </Empty>
      )}
      {items && items.length > 0 && <DestinationTable destinations={items} />}
      <More pages={pages} />
    </Screen>
  );
}

function DestinationTable({ destinations }: { readonly destinations: readonly Destination[] }) {
  return (
    <div class="table-box">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Destination</th>
            <th scope="col">Audiences</th>
            <th scope="col">Last attempt</th>
            <th scope="col" class="number">
              Dead letters
            </th>
          </tr>
        </thead>
        <tbody>
          {destinations.map((destination) => (
            <tr key={destination.id}>
              <th scope="row">
                <a class="who" href={`/console/destinations/${destination.id}`}>
                  {destination.name}
                </a>
                <StateBadge destination={destination} />
              </th>
              <td data-label="Audiences">
                {destination.audiences.map(({ name }) => name).join(', ') || '–'}
              </td>
              <td data-label="Last attempt">
                {destination.lastAttempt ? (
                  <>
                    {outcomeOf(destination.lastAttempt)}, <Ago at={destination.lastAttempt.at} />
                  </>
                ) : (
                  'none'
                )}
              </td>
              <td data-label="Dead letters" class="number">
                {wholeNumber(destination.dead)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
