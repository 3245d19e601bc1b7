import { useState } from 'preact/hooks';
import { post } from '../api';
import { JsonView } from '../parts/json-view';
import { Problem } from '../parts/problem';
import { readJson } from '../refusal';
import type { Failure } from '../wire';
import type { Decided, Decision, Signal } from '../wire-decisions';

const KINDS = { userId: 'User ID', email: 'Email', anonymousId: 'Anonymous ID' } as const;
type Kind = keyof typeof KINDS;

/** Long enough for whoever looks, who is not at a checkout. */
const PATIENT_MS = 5_000;

/** Asks as a caller would, for whomever and whatever is written here; nothing is recorded. */
export function TryDecision({ decision }: { readonly decision: Decision }) {
  const [kind, setKind] = useState<Kind>('userId');
  const [value, setValue] = useState('');
  const [context, setContext] = useState('{}');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [decided, setDecided] = useState<Decided | null>(null);
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setDecided(null);
    const said = readJson(context);
    if (!said.ok) return setFailure({ ok: false, status: 0, code: 'no_json', message: said.message });
    const asked = { [kind]: value, context: said.value, record: false, timeLimitMs: PATIENT_MS };
    const answer = await post<Decided>('/v1/decide', { decision: decision.id, ...asked });
    setFailure(answer.ok ? null : answer);
    setDecided(answer.ok ? answer.value : null);
  };
  return (
    <section aria-labelledby="try-title">
      <h2 id="try-title" class="section-title">
        Try it
      </h2>
      <form class="form" onSubmit={ask}>
        <div class="try-who">
          <label class="field">
            <span>Known by</span>
            <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
              {Object.entries(KINDS).map(([name, label]) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>{KINDS[kind]}</span>
            <input
              name="value"
              autocomplete="off"
              value={value}
              onInput={(event) => setValue(event.currentTarget.value)}
            />
          </label>
        </div>
        <label class="field">
          <span>Context, as JSON</span>
          <textarea
            name="context"
            rows={4}
            spellcheck={false}
            value={context}
            onInput={(event) => setContext(event.currentTarget.value)}
          />
        </label>
        <div class="actions">
          <button class="button-main">Decide</button>
        </div>
      </form>
      {failure && <Problem failure={failure} />}
      {decided && <Answer decided={decided} />}
    </section>
  );
}

const WHY: Readonly<Record<string, string>> = {
  nothing_matched: 'No case held.',
  no_profile: 'No case held, and nobody was ever seen under this name.',
  time_limit: 'There was no time for more.',
  unavailable: 'The database does not answer.',
  failed: 'Something went wrong in the collector; its log has it.',
};

function Answer({ decided }: { readonly decided: Decided }) {
  const { case: chosen, payload, defaultReason, profileId, reasons, version, tookMs } = decided;
  return (
    <div class="panel decided" role="status">
      <h3>{chosen.key}</h3>
      <p class="muted">
        Version {version}, {tookMs} ms.{' '}
        {profileId !== null && <a href={`/console/profiles/${profileId}`}>The profile</a>}
      </p>
      {defaultReason !== null && <p>{WHY[defaultReason] ?? defaultReason}</p>}
      <JsonView value={payload} label="payload" />
      {reasons.length > 0 && (
        <ul class="signals">
          {reasons.map((signal) => (
            <Reason key={signal.path} signal={signal} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Reason({ signal }: { readonly signal: Signal }) {
  const { holds, text, value } = signal;
  return (
    <li class={holds ? 'signal-holds' : 'signal-fails'}>
      <strong>{holds ? 'Yes' : 'No'}</strong>
      <span>
        {signal.case}: {text}
        {value !== null && (
          <>
            {' '}
            (<code>{JSON.stringify(value)}</code>)
          </>
        )}
      </span>
    </li>
  );
}
