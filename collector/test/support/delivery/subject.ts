/** A library under test, as pages use it. */
export interface Subject {
  readonly name: string;
  /** Its code, with what starts it. `laneUrl` is where it sends to. */
  readonly script: (laneUrl: string) => string;
  /** Of the script's tag. */
  readonly attributes?: (laneUrl: string) => string;
  /** Tracks an event with `properties`: a statement. */
  readonly track: string;
  /** Tells the library to send now what it can, where it has such a call: an expression. */
  readonly flush?: string;
}

/** Our own, from the built script. @param more attributes of its tag */
export function ourselves(build: string, writeKey: string, more = ''): Subject {
  return {
    name: 'throughline',
    script: () => build,
    attributes: (laneUrl) => `data-host="${laneUrl}" data-write-key="${writeKey}" ${more}`,
    track: 'throughline.track("Counted", properties)',
    flush: 'throughline.flush()',
  };
}

/** A page with the library, and `count(from, to, bytes)`, which tracks an event for each number. */
export function pageWith(subject: Subject, { url, laneUrl }: { url: string; laneUrl: string }) {
  return ({ head, run }: { readonly head: string; readonly run: string }): string => `<!doctype html>
    <title>Shop</title>${head}
    <script src="${url}/library.js" ${subject.attributes?.(laneUrl) ?? ''}></script>
    <script>
      window.count = (from, to, bytes = 10) => {
        for (let count = from; count < to; count += 1) {
          const properties = { count, pad: 'x'.repeat(bytes) };
          ${subject.track};
        }
      };
      ${run}
    </script>
    <p>Shop`;
}
