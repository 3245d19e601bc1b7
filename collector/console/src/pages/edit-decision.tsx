import { useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { put, type Result } from '../api';
import { Problem } from '../parts/problem';
import { Screen, Skeleton } from '../parts/screen';
import { Way } from '../parts/way';
import { toastDone } from '../toasts';
import { useAnswer } from '../use-answer';
import { useById } from '../use-by-id';
import type { Decision, DecisionVersion } from '../wire-decisions';
import { DecisionForm } from './decision-form';
import { writeDefinition } from './decision-text';

const WORDS = { send: 'Save as the next version', sending: 'Saving…', refused: 'Not saved' };

const CHANGED = 'Save again to let yours answer instead of it; both stay in the list of versions.';

/** Begins with the version that answers, or with the one that the address names. */
export function EditDecision() {
  const { value: decision, instead } = useById<Decision>('decisions');
  const { version } = useLocation().query;
  if (decision === undefined) return <>{instead}</>;
  return (
    <Screen
      title={`Edit ${decision.name}`}
      lead={<Way kind="decisions" to={`/console/decisions/${decision.id}`} name={decision.name} />}
    >
      {version === undefined || version === String(decision.version) ? (
        <Known decision={decision} from={decision} />
      ) : (
        <FromVersion decision={decision} version={version} />
      )}
    </Screen>
  );
}

function FromVersion({ decision, version }: { readonly decision: Decision; readonly version: string }) {
  const path = `/v1/decisions/${encodeURIComponent(decision.id)}/versions/${encodeURIComponent(version)}`;
  const { value, failure, reload } = useAnswer<DecisionVersion>(path);
  if (value) return <Known decision={decision} from={value} />;
  return failure ? <Problem failure={failure} onRetry={reload} /> : <Skeleton rows={6} />;
}

interface KnownProps {
  readonly decision: Decision;
  readonly from: Decision | DecisionVersion;
}

function Known({ decision, from }: KnownProps) {
  const { route } = useLocation();
  const { id, name, version } = decision;
  const page = `/console/decisions/${id}`;
  const basedOn = useRef<number | undefined>(decision.lastVersion);
  const send = async (written: object): Promise<Result<Decision>> => {
    const path = `/v1/decisions/${encodeURIComponent(id)}`;
    const answer = await put<Decision>(path, { ...written, basedOn: basedOn.current });
    if (answer.ok || answer.code !== 'decision_changed') return answer;
    // Whoever has read this may mean it.
    basedOn.current = undefined;
    return { ...answer, message: `${answer.message} ${CHANGED}` };
  };
  const go = (saved: Decision): void => {
    toastDone(`Version ${saved.version} answers now.`);
    route(page);
  };
  return (
    <>
      <p class="hint">
        {from.version === version
          ? `This is version ${version}, which answers now.`
          : `This is version ${from.version}; version ${version} answers now.`}{' '}
        What is saved becomes the next version, and answers at once; those before stay.
      </p>
      <DecisionForm
        name={name}
        start={writeDefinition(from)}
        isNew={false}
        words={WORDS}
        back={page}
        send={send}
        onSent={go}
      />
    </>
  );
}
