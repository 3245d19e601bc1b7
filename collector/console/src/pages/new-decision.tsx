import { useLocation } from 'preact-iso';
import { post } from '../api';
import { Screen } from '../parts/screen';
import { toastDone } from '../toasts';
import type { Decision } from '../wire-decisions';
import { DecisionForm } from './decision-form';
import { FIRST_DEFINITION } from './decision-text';

const WORDS = { send: 'Create decision', sending: 'Creating…', refused: 'Not created' };

export function NewDecision() {
  const { route } = useLocation();
  const go = ({ id, name }: Decision): void => {
    toastDone(`“${name}” answers now.`);
    route(`/console/decisions/${id}`);
  };
  return (
    <Screen title="New decision" lead={<a href="/console/decisions">Decisions</a>}>
      <DecisionForm
        name=""
        start={FIRST_DEFINITION}
        isNew
        words={WORDS}
        back="/console/decisions"
        send={(written) => post<Decision>('/v1/decisions', written)}
        onSent={go}
      />
    </Screen>
  );
}
