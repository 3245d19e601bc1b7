import { attempt } from '../core/attempt';
import { routeUrl } from '../core/wire';
import type { TagSettings } from '../options';
import { createCookie } from './cookie';
import type { Cookie } from './cookie';

/** A cookie that all hosts of a site share. */
export interface SiteCookie extends Cookie {
  /** Whose hosts share it; this host, as long as nothing is written. */
  domain(): string;
}

/** Where no domain is given it is the site's, which is found out when something is written. */
export function createSiteCookie(settings: TagSettings): SiteCookie {
  const name = `${settings.namespace}_id`;
  let domain = settings.cookieDomain;
  const { read } = createCookie(name, '');

  const write = (id: string): void => {
    domain ||= findSite(`${name}_trial`);
    // A host's own, from before the site had one, would be read in its place.
    if (domain) expire(name, '');
    // A script that writes again what the collector has set makes it a script's, which Safari keeps for seven days.
    if (!settings.serverCookie || read() !== id) createCookie(name, domain).write(id);
    if (settings.serverCookie) {
      // Takes cookies along and needs no preflight. Where it does not arrive, the script's own cookie stands.
      navigator.sendBeacon(routeUrl(settings, 'cookie'), JSON.stringify({ name, value: id, domain }));
    }
  };
  return {
    read,
    write: (id) => attempt(() => write(id)),
    domain: () => domain || location.hostname,
  };
}

/** Takes the cookie away, whichever of this host's domains it was set for. */
export function removeCookie(name: string): void {
  for (const domain of ['', ...domainsOfHost()]) attempt(() => expire(name, domain));
}

/**
 * The shortest end of this host's name that takes a cookie, or nothing: browsers refuse those below which strangers
 * have names, such as co.uk. Found by trying, as analytics.js does, for the list of them is a hundred times our size.
 */
function findSite(trial: string): string {
  const isSite = (domain: string): boolean => {
    const cookie = createCookie(trial, domain);
    cookie.write('1');
    const isTaken = cookie.read() === '1';
    expire(trial, domain);
    return isTaken;
  };
  return domainsOfHost().reverse().find(isSite) ?? '';
}

/** Longest first. */
function domainsOfHost(): string[] {
  const labels = location.hostname.split('.');
  return labels.map((_, from) => labels.slice(from).join('.'));
}

/** @param domain empty for this host alone */
function expire(name: string, domain: string): void {
  document.cookie = `${name}=; path=/; max-age=0${domain && `; domain=${domain}`}`;
}
