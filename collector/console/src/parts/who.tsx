import { nameOf } from '../format';
import type { Identity } from '../wire';

interface WhoProps {
  readonly identity: Identity;
  readonly profileId: string;
}

/** A link to a profile, called by the strongest name that is known. */
export function Who({ identity, profileId }: WhoProps) {
  const { label, full, anonymous } = nameOf(identity);
  return (
    <a class={anonymous ? 'who who-anonymous' : 'who'} href={profilePath(profileId)} title={full}>
      {label}
    </a>
  );
}

export function profilePath(profileId: string): string {
  return `/console/profiles/${encodeURIComponent(profileId)}`;
}
