import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { post } from '../api';
import type { Failure } from '../wire';
import { counted } from '../format';
import { Icon } from '../parts/icon';
import { Screen } from '../parts/screen';
import { toastDone } from '../toasts';
import type { Audience, Preview } from '../wire';
import { RulePreview } from './rule-preview';
import { EXAMPLES, problemsOf, readRule, type RuleProblem } from './rule-text';

export function NewAudience() {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const [text, setText] = useState(EXAMPLES[0]!.text);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [busy, setBusy] = useState(false);

  /** Posts with the rule that is written; null where it was refused, which is then shown. */
  const postRule = async <T,>(what: string, path: string, more: object): Promise<T | null> => {
    const rule = readRule(text);
    if (!rule.ok) {
      setRefused({ what, problems: [rule.problem] });
      return null;
    }
    setBusy(true);
    const answer = await post<T>(path, { ...more, rule: rule.value });
    setBusy(false);
    setRefused(answer.ok ? null : { what, problems: problemsOf(answer satisfies Failure) });
    return answer.ok ? answer.value : null;
  };
  const lookAhead = async (): Promise<void> => {
    setPreview(null);
    setPreview(await postRule<Preview>('No preview', '/v1/audiences/preview', {}));
  };
  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    const audience = await postRule<Audience>('Not created', '/v1/audiences', { name: name.trim() });
    if (audience === null) return;
    toastDone(`“${audience.name}” has ${counted(audience.size, 'member')}.`);
    route(`/console/audiences/${audience.id}`);
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
        <RuleField
          text={text}
          refused={refused}
          onText={(written) => {
            setText(written);
            // It was about what stood here before.
            setPreview(null);
          }}
        />
        {preview !== null && <RulePreview preview={preview} />}
        <div class="actions">
          <button class="button-main" disabled={busy}>
            {busy ? 'Creating…' : 'Create audience'}
          </button>
          <button type="button" disabled={busy} onClick={lookAhead}>
            Preview
          </button>
          <a class="button" href="/console/audiences">
            Cancel
          </a>
        </div>
      </form>
    </Screen>
  );
}

/** What did not happen, and why. */
interface Refused {
  readonly what: string;
  readonly problems: readonly RuleProblem[];
}

interface RuleFieldProps {
  readonly text: string;
  readonly refused: Refused | null;
  readonly onText: (text: string) => void;
}

function RuleField({ text, refused, onText }: RuleFieldProps) {
  return (
    <div class="rule-field">
      <div class="field">
        <label for="rule">Rule, as JSON</label>
        <textarea
          id="rule"
          name="rule"
          rows={14}
          spellcheck={false}
          aria-invalid={refused !== null}
          aria-describedby="rule-problems"
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </div>
      <div class="rule-side">
        <div id="rule-problems" role="alert">
          {refused && (
            <div class="problems">
              <h2>
                <Icon name="warning" />
                {refused.what}
              </h2>
              <ul>
                {refused.problems.map(({ path, message }) => (
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
