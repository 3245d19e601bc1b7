import { signal } from '@preact/signals';
import type { Failure, Workspace } from './wire';

export type Session =
  | { readonly state: 'opening' }
  | { readonly state: 'signed-in'; readonly workspace: Workspace }
  | { readonly state: 'signed-out' }
  | { readonly state: 'unreachable'; readonly failure: Failure };

/** Who looks at the console; every 401 sets it to signed out, wherever it was answered. */
export const session = signal<Session>({ state: 'opening' });
