import { attempt } from '../core/attempt';

const COOKIE_SECONDS = 365 * 86_400;

/** The cookie that holds the anonymous ID. It never throws; a sandboxed frame has none. */
export interface Cookie {
  read(): string | undefined;
  write(id: string): void;
}

/** @param domain shared with subdomains of this domain; empty for this host alone */
export function createCookie(name: string, domain: string): Cookie {
  const attributes =
    `; path=/; max-age=${COOKIE_SECONDS}; samesite=lax` +
    (domain && `; domain=${domain}`) +
    (location.protocol === 'https:' ? '; secure' : '');
  const find = (): string | undefined =>
    document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return {
    read: () => attempt(find)?.slice(name.length + 1),
    write: (value) => attempt(() => void (document.cookie = `${name}=${value}${attributes}`)),
  };
}
