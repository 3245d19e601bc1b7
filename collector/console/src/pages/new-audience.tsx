import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { post } from '../api';
import type { Failure } from '../wire';
import { counted } from '../format';
import { Icon } from '../parts/icon';
import { Screen } from '../parts/screen';
import { toastDone } from '../toasts';
import type { Audience } from '../wire';
import { EXAMPLES, problemsOf, readRule, type RuleProblem } from './rule-text';

export function NewAudience() {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const [text, setText] = useState(EXAMPLES[0]!.text);
  const [problems, setProblems] = useState<readonly RuleProblem[]>([]);
  const [busy, setBusy] = useState(false);

  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    const rule = readRule(text);
    if (!rule.ok) return setProblems([rule.problem]);
    setBusy(true);
    const answer = await post<Audience>('/v1/audiences', { name: name.trim(), rule: rule.value });
    setBusy(false);
    if (!answer.ok) return setProblems(problemsOf(answer satisfies Failure));
    toastDone(`“${answer.value.name}” has ${counted(answer.value.size, 'member')}.`);
    route(`/console/audiences/${answer.value.id}`);
  };

  return (
    <Screen title="New audience" lead={<a href="/console/audiences">Audiences</a>}>
      <form class="form" onSubmit={create}>
        <label class="field">
          <span>Name</span>
          <input
            name="name"
            required
            maxLength={200}
            autocomplete="off"
            placeholder="Big spenders"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <RuleField text={text} problems={problems} onText={setText} />
        <div class="actions">
          <button class="button-main" disabled={busy}>
            {busy ? 'Creating…' : 'Create audience'}
          </button>
          <a class="button" href="/console/audiences">
            Cancel
          </a>
        </div>
      </form>
    </Screen>
  );
}

interface RuleFieldProps {
  readonly text: string;
  readonly problems: readonly RuleProblem[];
  readonly onText: (text: string) => void;
}

function RuleField({ text, problems, onText }: RuleFieldProps) {
  const wrong = problems.length > 0;
  return (
    <div class="rule-field">
      <div class="field">
        <label for="rule">Rule, as JSON</label>
        <textarea
          id="rule"
          name="rule"
          rows={14}
          spellcheck={false}
          aria-invalid={wrong}
          aria-describedby="rule-problems"
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </div>
      <div class="rule-side">
        <div id="rule-problems" role="alert">
          {wrong && (
            <div class="problems">
              <h2>
                <Icon name="warning" />
                Not created
              </h2>
              <ul>
                {problems.map(({ path, message }) => (
                  <li key={`${path} ${message}`}>
                    {path && <code>{path}</code>} {message}
                  </li>
                ))}
              </ul>
            </div>
          )}
        </div>
        <h2>Begin with an example</h2>
        <ul class="examples">
          {EXAMPLES.map((example) => (
            <li key={example.name}>
              <button type="button" onClick={() => onText(example.text)}>
                {example.name}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
