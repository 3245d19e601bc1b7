import { attempt } from './attempt';
import { maskText } from './mask';

const MAX_PATH_CHARS = 300;

/** Where a link leads, without what may be secret in it. */
export interface Link {
  /** Origin and path; of what is not http(s) the scheme alone (`mailto:`). Never query, fragment, user or password. */
  readonly href: string;
  /** Empty where it is not http(s). */
  readonly host: string;
  /** The last step of the path. */
  readonly file: string;
  /** Of the file, in small letters, without the dot; empty where it has none. */
  readonly extension: string;
}

/** @returns undefined where the address is none */
export function readLink(address: string, base: string): Link | undefined {
  const url = attempt(() => new URL(address, base), undefined);
  if (!url) return undefined;
  const { protocol, origin, pathname, hostname } = url;
  if (!/^https?:$/.test(protocol)) return { href: protocol, host: '', file: '', extension: '' };
  const path = maskText(
    attempt(() => decodeURIComponent(pathname), pathname),
    MAX_PATH_CHARS,
  );
  const file = path.slice(path.lastIndexOf('/') + 1);
  const [, extension = ''] = /\.([a-z\d]{1,8})$/i.exec(file) ?? [];
  return { href: origin + path, host: hostname, file, extension: extension.toLowerCase() };
}

/** Whether a host is one of these domains or below one. */
export function isWithin(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}
