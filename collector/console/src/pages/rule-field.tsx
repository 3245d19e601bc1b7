import { described, FaultItems } from '../parts/field';
import { Icon } from '../parts/icon';
import type { Fault } from '../refusal';
import { EXAMPLES } from './rule-examples';

interface RuleFieldProps {
  readonly text: string;
  readonly faults: readonly Fault[];
  readonly onText: (text: string) => void;
}

/** An audience's rule as it is written: what is wrong with it, and examples to begin with, stand beside it. */
export function RuleField({ text, faults, onText }: RuleFieldProps) {
  return (
    <div class="rule-field">
      <div class="field">
        <label for="rule">Rule, as JSON</label>
        <textarea
          name="rule"
          {...described({ name: 'rule', faults })}
          rows={14}
          spellcheck={false}
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </div>
      <div class="rule-side">
        {faults.length > 0 && (
          <div class="problems">
            <h2>
              <Icon name="warning" />
              What is wrong
            </h2>
            <ul id="rule-faults">
              <FaultItems faults={faults} />
            </ul>
          </div>
        )}
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
