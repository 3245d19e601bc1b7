import { counted } from '../format';
import { Ago } from '../parts/ago';
import { Icon } from '../parts/icon';
import type { ProfileDetail, Warning } from '../wire';

/** What is said of flagged events; a code that is not here is shown as it is. */
const MEANINGS: Readonly<Record<string, string>> = {
  invalid_amount: 'an order without a usable amount',
  missing_amount: 'an order without an amount',
  invalid_currency: 'a currency that is none',
  invalid_once: 'once-only traits that are no object',
  junk_userId: 'a user ID that identifies nobody',
  junk_anonymousId: 'an anonymous ID that identifies nobody',
  junk_email: 'an email that identifies nobody',
  clock_corrected: 'a clock that was wrong',
  timestamp_clamped: 'a time that cannot be',
  replaced_characters: 'characters that cannot be stored',
  inexact_number: 'numbers that are not exact',
};

/** What whoever reads the profile should know, folded where it is long. */
export function Warnings({ profile: { warnings, redirected } }: { readonly profile: ProfileDetail }) {
  if (warnings.length === 0 && !redirected) return null;
  return (
    <ul class="warnings" aria-label="Warnings">
      {redirected && (
        <li>
          <Icon name="warning" />
          <span>The ID that was asked for belongs to this profile now.</span>
        </li>
      )}
      {warnings.map((warning) => (
        <li key={`${warning.code} ${warning.identifier?.value ?? ''}`}>
          <Icon name="warning" />
          <span>
            <Words warning={warning} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Words({
  warning: { code, events = 0, lastAt, identifier, profiles = 0 },
}: {
  readonly warning: Warning;
}) {
  if (identifier) {
    return (
      <>
        <code>{identifier.value}</code>{' '}
        {code === 'kiosk_identifier' ? 'is shared by a crowd and keeps its events:' : 'is shared:'}{' '}
        {counted(profiles, 'profile')}
      </>
    );
  }
  return (
    <>
      {counted(events, 'event')} with {MEANINGS[code] ?? code}
      {lastAt && (
        <span class="muted">
          , last <Ago at={lastAt} />
        </span>
      )}
    </>
  );
}
