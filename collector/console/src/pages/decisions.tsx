import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import { More } from '../parts/more';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { usePages } from '../use-answer';
import type { Decision } from '../wire-decisions';

export function Decisions() {
  const pages = usePages<Decision>('/v1/decisions?limit=100');
  const { items, failure, reload } = pages;
  const create = (
    <a class="button button-main" href="/console/decisions/new">
      <Icon name="plus" />
      New decision
    </a>
  );
  return (
    <Screen
      title="Decisions"
      lead="What to do for somebody now, by who they are and what they are doing"
      actions={create}
    >
      {!items && failure && <Problem failure={failure} onRetry={reload} />}
      {!items && !failure && <Skeleton rows={5} />}
      {items?.length === 0 && (
        <Empty title="No decisions yet">
          <p>
            A decision says which of several cases somebody is: a rule and a payload each, and the last one
            for everybody else. Callers ask over HTTP, in the moment.
          </p>
        </Empty>
      )}
      {items && items.length > 0 && <DecisionTable decisions={items} />}
      <More pages={pages} />
    </Screen>
  );
}

function DecisionTable({ decisions }: { readonly decisions: readonly Decision[] }) {
  return (
    <div class="table-box">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Key</th>
            <th scope="col">Changed</th>
            <th scope="col">Cases</th>
            <th scope="col" class="number">
              Version
            </th>
          </tr>
        </thead>
        <tbody>
          {decisions.map(({ id, key, name, updatedAt, cases, version }) => (
            <tr key={id}>
              <th scope="row">
                <a href={`/console/decisions/${id}`}>{name}</a>
              </th>
              <td data-label="Key">
                <code>{key}</code>
              </td>
              <td data-label="Changed">
                <Ago at={updatedAt} />
              </td>
              <td data-label="Cases">{cases.map((each) => each.key).join(', ')}</td>
              <td data-label="Version" class="number">
                {version}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
