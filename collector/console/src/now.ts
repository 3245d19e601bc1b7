import { signal } from '@preact/signals';

const TICK_MS = 10_000;

/** The clock that relative times are read against; one timer for the whole console. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, TICK_MS);
document.addEventListener('visibilitychange', () => {
  now.value = Date.now();
});
