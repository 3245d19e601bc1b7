import { CopyButton } from '../parts/copy-button';

/** A secret that no answer has again. */
export function SecretShown({ secret }: { readonly secret: string }) {
  return (
    <div class="panel" role="status">
      <h2>Signing secret</h2>
      <p>Give it to the receiver now: it is not shown again.</p>
      <div class="sample">
        <pre>{secret}</pre>
        <CopyButton text={() => secret} label="Copy the secret" />
      </div>
    </div>
  );
}
