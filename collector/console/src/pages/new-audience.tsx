import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { post, postCsv, type Result } from '../api';
import { counted } from '../format';
import { Screen } from '../parts/screen';
import { toastDone, toastFailure } from '../toasts';
import type { Audience, Listed } from '../wire';
import { AudienceForm, type WrittenAudience } from './audience-form';
import { describeListed, ListField } from './audience-list';
import { EXAMPLES } from './rule-examples';

type Kind = Audience['kind'];

const WORDS = { send: 'Create audience', sending: 'Creating…', refused: 'Not created' };

export function NewAudience() {
  const { route } = useLocation();
  const [kind, setKind] = useState<Kind>('rule');
  const [list, setList] = useState('');
  const create = (written: WrittenAudience): Promise<Result<Audience>> =>
    kind === 'rule' ? createByRule(written) : createList(written.name, list);
  return (
    <Screen title="New audience" lead={<a href="/console/audiences">Audiences</a>}>
      <AudienceForm
        name=""
        rule={EXAMPLES[0]!.text}
        hasRule={kind === 'rule'}
        words={WORDS}
        back="/console/audiences"
        send={create}
        onSent={({ id }) => route(`/console/audiences/${id}`)}
      >
        <KindField kind={kind} onKind={setKind} />
        {kind === 'static' && <ListField text={list} onText={setList} />}
      </AudienceForm>
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

async function createByRule(written: WrittenAudience): Promise<Result<Audience>> {
  const created = await post<Audience>('/v1/audiences', written);
  if (created.ok) toastDone(`“${created.value.name}” has ${counted(created.value.size, 'member')}.`);
  return created;
}

/** Where only its list is refused, it is there and can be given another. */
async function createList(name: string, list: string): Promise<Result<Audience>> {
  const created = await post<Audience>('/v1/audiences', { name, ids: [] });
  if (!created.ok || list.trim() === '') return created;
  const listed = await postCsv<Listed>(`/v1/audiences/${encodeURIComponent(created.value.id)}/members`, list);
  if (listed.ok) toastDone(`“${name}”: ${describeListed(listed.value)}`);
  else toastFailure(listed);
  return created;
}
