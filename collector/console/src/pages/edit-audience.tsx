import { useLocation } from 'preact-iso';
import { patch, type Result } from '../api';
import { counted } from '../format';
import { Screen } from '../parts/screen';
import { Way } from '../parts/way';
import { toastDone } from '../toasts';
import { useById } from '../use-by-id';
import type { Audience } from '../wire';
import { AudienceForm, type WrittenAudience } from './audience-form';

const WORDS = { send: 'Save', sending: 'Saving…', refused: 'Not saved' };

export function EditAudience() {
  const { value: audience, instead } = useById<Audience>('audiences');
  return audience === undefined ? <>{instead}</> : <Known audience={audience} />;
}

function Known({ audience }: { readonly audience: Audience }) {
  const { route } = useLocation();
  const { id, name, kind } = audience;
  const page = `/console/audiences/${id}`;
  const save = async (written: WrittenAudience): Promise<Result<Audience>> => {
    const changes = changesOf(audience, written);
    if (Object.keys(changes).length === 0) return { ok: true, value: audience };
    const saved = await patch<Audience>(`/v1/audiences/${encodeURIComponent(id)}`, changes);
    if (saved.ok) toastDone(`“${saved.value.name}” has ${counted(saved.value.size, 'member')}.`);
    return saved;
  };
  return (
    <Screen title={`Edit ${name}`} lead={<Way kind="audiences" to={page} name={name} />}>
      <AudienceForm
        name={name}
        rule={JSON.stringify(audience.rule, null, 2)}
        hasRule={kind === 'rule'}
        words={WORDS}
        back={page}
        send={save}
        onSent={() => route(page)}
      >
        <p class="hint">
          Its key stays <code>{audience.key}</code>: rules and addresses name it.{' '}
          {kind === 'rule'
            ? 'Until the members of a new rule are found, those of the old one stay.'
            : 'Who is on its list is changed on its page.'}
        </p>
      </AudienceForm>
    </Screen>
  );
}

/** A rule that is the same is not sent: its members would be found anew. */
function changesOf(audience: Audience, { name, rule }: WrittenAudience): Partial<WrittenAudience> {
  const isSameRule = rule === undefined || JSON.stringify(rule) === JSON.stringify(audience.rule);
  return { ...(name === audience.name ? {} : { name }), ...(isSameRule ? {} : { rule }) };
}
