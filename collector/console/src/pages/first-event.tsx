import { useEffect, useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button';
import { Empty } from '../parts/screen';

/** What to do when nothing has arrived. Keys stay out of the console's pages, hence the placeholder. */
export function FirstEvent() {
  const shop = useDemoShop();
  const { origin } = location;
  return (
    <Empty title="Waiting for events">
      <p>
        Nothing has arrived since you opened this page.{' '}
        {shop ? 'Click around in the ' : 'Put the script tag on a page, or send an event by hand.'}
        {shop && (
          <>
            <a href="/demo/" target="_blank" rel="noopener">
              demo shop
            </a>
            , put the script tag on a page of yours, or send an event by hand.
          </>
        )}
      </p>
      <Sample
        title="On a website"
        code={`<script async src="${origin}/sdk.js" data-write-key="YOUR_WRITE_KEY" data-auto-page></script>`}
      />
      <Sample
        title="From a terminal"
        code={[
          `curl ${origin}/v1/track -u YOUR_WRITE_KEY: \\`,
          `  -H 'content-type: application/json' \\`,
          `  -d '{"userId":"ada","event":"Signed Up","properties":{"plan":"pro"}}'`,
        ].join('\n')}
      />
      <p class="muted">
        Throughline prints the write key each time it starts; it begins with <code>pk_</code>.
      </p>
    </Empty>
  );
}

function Sample({ title, code }: { readonly title: string; readonly code: string }) {
  return (
    <section class="sample">
      <h3>{title}</h3>
      <div class="json">
        <CopyButton text={() => code} label={`Copy: ${title.toLowerCase()}`} />
        <pre tabIndex={0} role="group" aria-label={title}>
          <code>{code}</code>
        </pre>
      </div>
    </section>
  );
}

/** The shop is served in development only. */
function useDemoShop(): boolean {
  const [served, setServed] = useState(false);
  useEffect(() => {
    fetch('/demo/', { method: 'HEAD' }).then(
      (answer) => setServed(answer.ok),
      () => undefined, // no answer, no link
    );
  }, []);
  return served;
}
