import { useState } from 'preact/hooks';
import { post } from '../api';
import { Screen } from '../parts/screen';
import type { Destination, MadeSecret } from '../wire-destinations';
import { DestinationForm } from './destination-form';
import { SecretShown } from './secret-shown';

type Created = Destination & MadeSecret;

const WORDS = { send: 'Connect', sending: 'Connecting…', refused: 'Not connected' };

export function NewDestination() {
  const [created, setCreated] = useState<Created | null>(null);
  if (created) {
    return (
      <Screen
        title={`“${created.name}” is connected`}
        lead={<a href="/console/destinations">Destinations</a>}
      >
        <div class="form">
          <SecretShown secret={created.secret} />
          <div class="actions">
            <a class="button button-main" href={`/console/destinations/${created.id}`}>
              Go on
            </a>
          </div>
        </div>
      </Screen>
    );
  }
  return (
    <Screen title="New destination" lead={<a href="/console/destinations">Destinations</a>}>
      <DestinationForm<Created>
        destination={null}
        words={WORDS}
        back="/console/destinations"
        send={(written) => post<Created>('/v1/destinations', written)}
        onSent={setCreated}
      />
    </Screen>
  );
}
