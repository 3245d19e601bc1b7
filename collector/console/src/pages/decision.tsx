import { Ago } from '../parts/ago';
import { Delete } from '../parts/delete';
import { Icon } from '../parts/icon';
import { JsonView } from '../parts/json-view';
import { Screen } from '../parts/screen';
import { useById } from '../use-by-id';
import type { Decision as DecisionAnswer, DecisionCase } from '../wire-decisions';
import { DecisionVersions } from './decision-versions';
import { TryDecision } from './try-decision';

export function Decision() {
  const { value: decision, reload, instead } = useById<DecisionAnswer>('decisions');
  return decision === undefined ? <>{instead}</> : <Known decision={decision} onChange={reload} />;
}

interface KnownProps {
  readonly decision: DecisionAnswer;
  readonly onChange: () => void;
}

function Known({ decision, onChange }: KnownProps) {
  const { id, name, key, version, timeLimitMs, updatedAt, cases } = decision;
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
      actions={
        <a class="button button-main" href={`/console/decisions/${id}/edit`}>
          <Icon name="edit" />
          Edit
        </a>
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
      <div class="decision-end">
        <Delete
          kind="decisions"
          of={decision}
          question={`Delete “${name}” and all its versions? Whoever asks for it is answered 404.`}
        />
      </div>
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
