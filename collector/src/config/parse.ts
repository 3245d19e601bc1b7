import { isIP } from 'node:net';

/** What the text must be is said in `expected`, which completes the sentence "NAME must be …". */
type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };
export type Parse<T> = (text: string) => Parsed<T>;

const value = <T>(parsed: T): Parsed<T> => ({ ok: true, value: parsed });
const refuse = (expected: string): Parsed<never> => ({ ok: false, expected });

export function wholeNumber(min: number, max: number): Parse<number> {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    return number >= min && number <= max ? value(number) : refuse(`a whole number from ${min} to ${max}`);
  };
}

export function oneOf<const T extends string>(choices: readonly T[]): Parse<T> {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    return choice === undefined ? refuse(`one of ${choices.join(', ')}`) : value(choice);
  };
}

export function matching(pattern: RegExp, expected: string): Parse<string> {
  return (text) => (pattern.test(text) ? value(text) : refuse(expected));
}

export function parseDatabaseUrl(text: string): Parsed<string> {
  const isPostgres = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
  return isPostgres
    ? value(text)
    : refuse('a URL like postgres://user:password@host:5432/database (special characters percent-encoded)');
}

export function parseOrigins(text: string): Parsed<readonly string[]> {
  const origins = text.split(',').map((origin) => origin.trim());
  const areOrigins = origins.every(
    (origin) => /^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin,
  );
  return areOrigins
    ? value(origins)
    : refuse('a comma-separated list of origins like https://app.example.com (no path, no trailing slash)');
}

/** Where files go: what is appended are their names. Credentials have settings of their own, and never stand in it. */
export function parseBucketUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isBare = url !== null && url.username === '' && url.search === '' && url.hash === '';
  return isBare && /^https?:$/.test(url.protocol)
    ? value(url.href)
    : refuse(
        'an address like https://s3.eu-central-1.amazonaws.com/bucket/folder, without a user or a query',
      );
}

export function parseNetworks(text: string): Parsed<readonly string[]> {
  const networks = text.split(',').map((network) => network.trim());
  return networks.every(isNetwork)
    ? value(networks)
    : refuse('a comma-separated list of addresses or networks like 10.0.0.0/8');
}

/** Origins, of which a port may be any: http://localhost:* */
export function parseWebhookOrigins(text: string): Parsed<readonly string[]> {
  const origins = text.split(',').map((origin) => origin.trim());
  const areOrigins = origins.every((origin) => {
    const example = origin.replace(/:\*$/, ':8123');
    return /^https?:\/\//.test(origin) && URL.canParse(example) && new URL(example).origin === example;
  });
  return areOrigins
    ? value(origins)
    : refuse('a comma-separated list of origins like http://localhost:4000 (a port may be *)');
}

/** An address, alone or with how many of its first bits name a network (RFC 4632, RFC 4291). */
function isNetwork(text: string): boolean {
  const [address, bits, ...rest] = text.split('/');
  const most = text.includes('%') ? 0 : ({ 4: 32, 6: 128 }[isIP(address!)] ?? 0);
  const isWhole = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= most);
  return most > 0 && isWhole && rest.length === 0;
}
