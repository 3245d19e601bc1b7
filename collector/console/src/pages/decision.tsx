import { useRoute } from 'preact-iso';
import { Ago } from '../parts/ago';
import { JsonView } from '../parts/json-view';
import { Problem } from '../parts/problem';
import { Empty, Screen, Skeleton } from '../parts/screen';
import { useAnswer } from '../use-answer';
import type { Decision as DecisionAnswer, DecisionCase } from '../wire-decisions';
import { DecisionVersions } from './decision-versions';
import { TryDecision } from './try-decision';

export function Decision() {
  const id = useRoute().params['id'] ?? '';
  const {
    value: decision,
    failure,
    reload,
  } = useAnswer<DecisionAnswer>(`/v1/decisions/${encodeURIComponent(id)}`);
  if (decision) return <Known decision={decision} onChange={reload} />;
  if (failure?.status === 404) {
    return (
      <Screen title="Decision">
        <Empty title="There is no such decision">
          <p>
            Perhaps it was deleted. <a href="/console/decisions">All decisions</a>
          </p>
        </Empty>
      </Screen>
    );
  }
  return (
    <Screen title="Decision">
      {failure ? <Problem failure={failure} onRetry={reload} /> : <Skeleton rows={6} />}
    </Screen>
  );
}

interface KnownProps {
  readonly decision: DecisionAnswer;
  readonly onChange: () => void;
}

function Known({ decision, onChange }: KnownProps) {
  const { name, key, version, timeLimitMs, updatedAt, cases } = decision;
  return (
    <Screen
      title={name}
      lead={
        <>
          <a href="/console/decisions">Decisions</a>
          <span class="parted">
            <code>{key}</code>
          </span>
        </>
      }
    >
      <dl class="figures">
        <div>
          <dt>Version</dt>
          <dd>{version}</dd>
        </div>
        <div>
          <dt>Changed</dt>
          <dd>
            <Ago at={updatedAt} />
          </dd>
        </div>
        <div>
          <dt>Time limit</dt>
          <dd>{timeLimitMs} ms</dd>
        </div>
        <div>
          <dt>Pages may ask</dt>
          <dd>{decision.public ? 'yes' : 'no'}</dd>
        </div>
        <div>
          <dt>Recorded</dt>
          <dd>{decision.record ? 'yes' : 'on request'}</dd>
        </div>
      </dl>
      <section aria-labelledby="cases-title">
        <h2 id="cases-title" class="section-title">
          Cases
        </h2>
        <ol class="cases">
          {cases.map((each) => (
            <Case key={each.key} of={each} />
          ))}
        </ol>
      </section>
      <TryDecision decision={decision} />
      <DecisionVersions decision={decision} onChange={onChange} />
    </Screen>
  );
}

function Case({ of: { key, sentence, then } }: { readonly of: DecisionCase }) {
  return (
    <li class="panel case">
      <h3>{key}</h3>
      <p>{sentence}</p>
      <JsonView value={then} label={`payload of ${key}`} />
    </li>
  );
}
