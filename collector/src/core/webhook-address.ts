import ipaddr from 'ipaddr.js';

/**
 * Where webhooks may go. Whoever manages a workspace names any address, and the collector stands inside of networks that
 * they may not see: so only the public internet is spoken to, over TLS.
 */

export const MAX_URL_LENGTH = 2_000;
/** Beside 443: no mail server, no SSH takes part in a conversation that somebody else began. */
const LOWEST_OTHER_PORT = 1024;
/** Azure's platform, which any virtual machine reaches at a public address. */
const PLATFORM_ADDRESSES = ['168.63.129.16'];
/** What is assigned as global unicast so far (IANA); in the rest lie ways back to IPv4. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** An origin that is let through whatever it is, such as `http://localhost:4000`; `*` is any port. */
export type AllowedOrigin = string;

export type CheckedAddress =
  { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly problem: string };

/** Whether a URL may be a webhook's, as far as can be said without asking for its addresses. */
export function checkWebhookUrl(text: string, allowed: readonly AllowedOrigin[]): CheckedAddress {
  const refuse = (problem: string): CheckedAddress => ({ ok: false, problem });
  if (text.length > MAX_URL_LENGTH) return refuse(`must have at most ${MAX_URL_LENGTH} characters`);
  if (!URL.canParse(text)) return refuse('must be a URL such as https://hooks.example.com/throughline');
  // It reads numbers of any form as the address that they are: 0x7f.1 is 127.0.0.1 then.
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    return refuse('must not have a user name or password in it');
  if (isAllowedOrigin(url, allowed)) return { ok: true, url };
  if (url.protocol !== 'https:') return refuse('must begin with https://');
  if (url.port !== '' && Number(url.port) < LOWEST_OTHER_PORT)
    return refuse(`must use port 443, or one from ${LOWEST_OTHER_PORT} on`);
  const host = hostOf(url);
  if (ipaddr.isValid(host) && !isPublicAddress(host)) return refuse(REFUSED_ADDRESS);
  if (/(^|\.)localhost\.?$/.test(host)) return refuse(REFUSED_ADDRESS);
  return { ok: true, url };
}

export const REFUSED_ADDRESS = 'must be a host of the public internet';

/** Whether its owner said that it may be spoken to, wherever it is. */
export function isAllowedOrigin(url: URL, allowed: readonly AllowedOrigin[]): boolean {
  const names = [`${url.protocol}//${url.host}`, `${url.protocol}//${url.hostname}:*`];
  return names.some((name) => allowed.includes(name));
}

/** The host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Whether an address belongs to the public internet: not ours, not a neighbour's, and no way around into either. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text) || PLATFORM_ADDRESSES.includes(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL_IPV6);
}
