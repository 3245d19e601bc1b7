import { signal } from '@preact/signals';
import type { Failure } from './wire';
import { Icon } from './parts/icon';

const SHOWN_FOR_MS = 6000;

interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
}

const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

/** Says that something was done; it goes by itself. */
export function toastDone(text: string): void {
  const id = add('done', text);
  setTimeout(() => dismiss(id), SHOWN_FOR_MS);
}

/** Says what went wrong; it stays until it is dismissed. A 401 says nothing: the whole page turns to signing in. */
export function toastFailure(failure: Failure): void {
  if (failure.status !== 401) add('failed', failure.message);
}

function add(kind: Toast['kind'], text: string): number {
  lastId += 1;
  toasts.value = [...toasts.value.filter((toast) => toast.text !== text), { id: lastId, kind, text }].slice(
    -4,
  );
  return lastId;
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Both regions are always there: a reader announces what enters a region, not a region that enters. */
export function Toasts() {
  return (
    <div class="toasts">
      <ToastRegion kind="done" role="status" />
      <ToastRegion kind="failed" role="alert" />
    </div>
  );
}

function ToastRegion({ kind, role }: { readonly kind: Toast['kind']; readonly role: 'status' | 'alert' }) {
  return (
    <div role={role}>
      {toasts.value
        .filter((toast) => toast.kind === kind)
        .map((toast) => (
          <div key={toast.id} class={`toast toast-${kind}`}>
            <Icon name={kind === 'done' ? 'check' : 'warning'} />
            <span>{toast.text}</span>
            <button type="button" class="button-quiet" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
    </div>
  );
}
