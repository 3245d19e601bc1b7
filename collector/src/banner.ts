/** What a start prints: where everything is, and the two lines that send a first event. */

export interface Banner {
  /** Origin, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly ticket: string;
  readonly hasDemo: boolean;
  readonly writeKey: string;
  /** Only where it was made just now: nobody can show it again. */
  readonly newSecretKey: string | null;
}

export function renderBanner({ url, ticket, hasDemo, writeKey, newSecretKey }: Banner): string {
  const secret =
    newSecretKey === null
      ? 'shown at the first start; set THROUGHLINE_SECRET_KEY to have another'
      : `${newSecretKey}   (shown only now: keep it)`;
  const rows: readonly (readonly [string, string])[] = [
    ['Console', `${url}/console/enter?ticket=${ticket}   (works once, for 15 minutes)`],
    ...(hasDemo ? [['Demo shop', `${url}/demo/`] as const] : []),
    ['API', `${url}/docs`],
    ['Write key', writeKey],
    ['Secret key', secret],
  ];
  const lines = [
    'Throughline is running.',
    '',
    ...rows.map(([name, value]) => `${name.padEnd(12)}${value}`),
    '',
    'Paste this into a page:',
    `  <script async src="${url}/sdk.js" data-write-key="${writeKey}" data-auto-page></script>`,
    '',
    'Or send a first event from here:',
    `  curl ${url}/v1/track -u ${writeKey}: -H 'content-type: application/json' -d '{"userId":"ada","event":"Hello"}'`,
  ];
  return ['', ...lines.map((line) => (line === '' ? '' : `  ${line}`)), '', ''].join('\n');
}

/** The origin to open in a browser: an address that stands for all of them is none to go to. */
export function originOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const shown = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
