import { Icon } from '../parts/icon';
import { EXAMPLES, type RuleProblem } from './rule-text';

/** What did not happen, and why. */
export interface Refused {
  readonly what: string;
  readonly problems: readonly RuleProblem[];
}

interface RuleFieldProps {
  readonly text: string;
  readonly refused: Refused | null;
  readonly onText: (text: string) => void;
}

export function RuleField({ text, refused, onText }: RuleFieldProps) {
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
