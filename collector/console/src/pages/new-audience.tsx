import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { post, postCsv } from '../api';
import { counted } from '../format';
import { Screen } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import type { Audience, Failure, Listed, Preview } from '../wire';
import { describeListed, ListField } from './audience-list';
import { type Refused, RuleField } from './rule-field';
import { RulePreview } from './rule-preview';
import { EXAMPLES, problemsOf, readRule } from './rule-text';

type Kind = Audience['kind'];

export function NewAudience() {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('rule');
  const [list, setList] = useState('');
  const [isListing, setListing] = useState(false);
  const rule = useRule();
  const busy = rule.busy || isListing;

  const create = async (event: Event): Promise<void> => {
    event.preventDefault();
    setListing(kind === 'static');
    const audience = kind === 'rule' ? await rule.create(name.trim()) : await createList(name.trim(), list);
    setListing(false);
    if (audience !== null) route(`/console/audiences/${audience.id}`);
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
        <KindField kind={kind} onKind={setKind} />
        {kind === 'rule' ? (
          <RuleField text={rule.text} refused={rule.refused} onText={rule.write} />
        ) : (
          <ListField text={list} onText={setList} />
        )}
        {kind === 'rule' && rule.preview !== null && <RulePreview preview={rule.preview} />}
        <div class="actions">
          <button class="button-main" disabled={busy}>
            {busy ? 'Creating…' : 'Create audience'}
          </button>
          {kind === 'rule' && (
            <button type="button" disabled={busy} onClick={rule.lookAhead}>
              Preview
            </button>
          )}
          <a class="button" href="/console/audiences">
            Cancel
          </a>
        </div>
      </form>
    </Screen>
  );
}

const KINDS = [
  { kind: 'rule', label: 'Who matches' },
  { kind: 'static', label: 'Who is listed' },
] as const;

function KindField({ kind, onKind }: { readonly kind: Kind; readonly onKind: (kind: Kind) => void }) {
  return (
    <fieldset class="kinds">
      <legend>Who belongs to it</legend>
      {KINDS.map((each) => (
        <label key={each.kind}>
          <input type="radio" name="kind" checked={each.kind === kind} onChange={() => onKind(each.kind)} />
          {each.label}
        </label>
      ))}
    </fieldset>
  );
}

/** A rule as it is written, and what the collector says of it. */
function useRule() {
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
  const write = (written: string): void => {
    setText(written);
    // It was about what stood here before.
    setPreview(null);
  };
  const lookAhead = async (): Promise<void> => {
    setPreview(null);
    setPreview(await postRule<Preview>('No preview', '/v1/audiences/preview', {}));
  };
  const create = async (name: string): Promise<Audience | null> => {
    const audience = await postRule<Audience>('Not created', '/v1/audiences', { name });
    if (audience !== null) toastDone(`“${audience.name}” has ${counted(audience.size, 'member')}.`);
    return audience;
  };
  return { text, refused, preview, busy, write, lookAhead, create };
}

/** null where there is none; where only its list was refused, it is there and can be given another. */
async function createList(name: string, list: string): Promise<Audience | null> {
  const created = await post<Audience>('/v1/audiences', { name, ids: [] });
  if (!created.ok) {
    toastFailure(created);
    return null;
  }
  if (list.trim() === '') return created.value;
  const listed = await postCsv<Listed>(`/v1/audiences/${encodeURIComponent(created.value.id)}/members`, list);
  if (listed.ok) toastDone(`“${name}”: ${describeListed(listed.value)}`);
  else toastFailure(listed);
  return created.value;
}
