import { useLocation } from 'preact-iso';
import { patch, type Result } from '../api';
import { Screen } from '../parts/screen';
import { Way } from '../parts/way';
import { toastDone } from '../toasts';
import { useById } from '../use-by-id';
import type { Destination } from '../wire-destinations';
import { DestinationForm, type WrittenDestination } from './destination-form';

const WORDS = { send: 'Save', sending: 'Saving…', refused: 'Not saved' };

export function EditDestination() {
  const { value: destination, instead } = useById<Destination>('destinations');
  return destination === undefined ? <>{instead}</> : <Known destination={destination} />;
}

function Known({ destination }: { readonly destination: Destination }) {
  const { route } = useLocation();
  const { id, name } = destination;
  const page = `/console/destinations/${id}`;
  const save = async (written: WrittenDestination): Promise<Result<Destination>> => {
    const changes = changesOf(destination, written);
    if (Object.keys(changes).length === 0) return { ok: true, value: destination };
    const saved = await patch<Destination>(`/v1/destinations/${encodeURIComponent(id)}`, changes);
    if (saved.ok) toastDone(`“${saved.value.name}” was changed.`);
    return saved;
  };
  return (
    <Screen title={`Edit ${name}`} lead={<Way kind="destinations" to={page} name={name} />}>
      <DestinationForm<Destination>
        destination={destination}
        words={WORDS}
        back={page}
        send={save}
        onSent={() => route(page)}
      />
    </Screen>
  );
}

/** What stays is not sent: to be told of its URL again makes a destination try what waits at once. */
function changesOf(
  destination: Destination,
  { name, url, batchSize, audiences, backfill }: WrittenDestination,
): Partial<WrittenDestination> {
  const before = destination.audiences.map(({ id }) => id);
  const isSame = before.length === audiences.length && before.every((id) => audiences.includes(id));
  return {
    ...(name === destination.name ? {} : { name }),
    ...(url === destination.url ? {} : { url }),
    ...(batchSize === destination.batchSize ? {} : { batchSize }),
    ...(isSame ? {} : { audiences, backfill }),
  };
}
