import { useEffect } from 'preact/hooks';
import { Mark } from '../parts/icon';

/** The console is entered by a one-time link; keys are never typed into a page. */
export function SignedOut() {
  useEffect(() => {
    document.title = 'Sign in · Throughline';
  }, []);
  return (
    <main class="alone">
      <Mark />
      <h1>You are signed out</h1>
      <p>Open the console link that Throughline printed when it started.</p>
      <p class="muted">
        A link works once. For another one, run <code>npx throughline console</code> where Throughline runs.
      </p>
    </main>
  );
}
