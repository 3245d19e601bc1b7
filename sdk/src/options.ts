import type { Consent, IdentityStorage } from './api';
import type { Plugin } from './core/plugin';
import type { DropReason } from './core/receipt';
import { optionsError } from './errors';

export interface TrackerOptions {
  /** The source's write key, `pk_…`. Public: it can only add events. */
  readonly writeKey: string;
  /** Where the collector is: an http(s) address, with a path if it has one. */
  readonly host: string;
  /**
   * Record a page view at the start and at each navigation (History API, Navigation API) that changes path or query
   * (not the fragment). @default false
   */
  readonly autoPage?: boolean;
  /** With `autoPage`: fragments that begin with `#/` or `#!/` are pages of their own. @default false */
  readonly hashRoutes?: boolean;
  /** Whole milliseconds that events wait for company, 0 to 60000. @default 2000 */
  readonly flushAfterMs?: number;
  /** So many waiting events are sent without waiting longer, 1 to 100. @default 20 */
  readonly flushAt?: number;
  /**
   * Begins the names of the cookie and of everything stored: letters, digits, `_` and `-`. Trackers on one origin
   * that should not share who the visitor is need different ones. @default 'throughline'
   */
  readonly namespace?: string;
  /**
   * The domain whose hosts share the anonymous ID's cookie. @default the site's: the shortest end of the host's name
   * that is nobody else's, as example.co.uk is for www.example.co.uk; in sdk.js this host
   */
  readonly cookieDomain?: string;
  /**
   * Have the collector set the cookie, where it is a host of the same site: Safari keeps those of scripts for seven
   * days. @default false
   */
  readonly serverCookie?: boolean;
  /** See each event before it is stored, in this order; each may change it, or drop it. @default none */
  readonly plugins?: readonly Plugin[];
  /**
   * What the visitor has agreed to when the page starts: with `pending` and `denied` nothing is kept on the device,
   * nothing read from it, and nothing sent. @default 'granted'
   */
  readonly consent?: Consent;
  /** Whether calls while consent is pending are held in memory (the first 1,000), or dropped. @default 'hold' */
  readonly whilePending?: 'hold' | 'drop';
  /** Start with consent denied where the browser says Global Privacy Control. @default false */
  readonly respectGpc?: boolean;
  /** Start with consent denied where the browser says Do Not Track. @default false */
  readonly respectDnt?: boolean;
  /**
   * Keep nothing on the device about who the visitor is: each page load is a new anonymous ID and session. What
   * waits to be sent is still stored. @default false
   */
  readonly cookieless?: boolean;
  /**
   * Keeps who the visitor is, in place of cookie and localStorage: anything with `getItem`, `setItem` and
   * `removeItem`, which may return promises. @default none
   */
  readonly storage?: IdentityStorage | null;
  /** Told of every event that is given up, with how many, why, and what more is known. @default none */
  readonly onDrop?: (count: number, reason: DropReason, detail?: string) => void;
  /** Sends the requests; must honour `keepalive` and `signal`. @default the page's fetch */
  readonly fetch?: typeof fetch;
}

export type Settings = Required<TrackerOptions>;

/** What a tracker needs that records from the start. */
export type EssentialSettings = typeof ESSENTIALS & Pick<Settings, 'writeKey' | 'host'>;

/** What one needs that may wait for consent, too: all that a script tag can say. */
export type TagSettings = Omit<Settings, 'plugins' | 'storage' | 'onDrop'>;

/** What holds where an option is not given, of those that `sdk.js` does not have. */
export const FULL_DEFAULTS = {
  hashRoutes: false,
  serverCookie: false,
  consent: 'granted',
  whilePending: 'hold',
  respectGpc: false,
  respectDnt: false,
  cookieless: false,
} as const;

/** What holds where an option is not given, of those that everything needs. */
export const ESSENTIALS: Pick<
  Settings,
  'autoPage' | 'flushAfterMs' | 'flushAt' | 'namespace' | 'cookieDomain' | 'fetch'
> = {
  autoPage: false,
  flushAfterMs: 2_000,
  flushAt: 20,
  namespace: 'throughline',
  cookieDomain: '',
  // Looked up at each call: a page may replace it, and it must not be called on another object.
  fetch: (url, init) => fetch(url, init),
};

/** What holds where an option is not given; also the type that each must have. */
const DEFAULTS: Settings = {
  writeKey: '',
  host: '',
  ...ESSENTIALS,
  plugins: [],
  ...FULL_DEFAULTS,
  storage: null,
  onDrop: () => undefined,
};

const PATTERNS: Readonly<Partial<Record<string, RegExp>>> = {
  writeKey: /^\S+$/,
  host: /^https?:\/\/[^\s/?#]+[^\s?#]*$/,
  flushAfterMs: /^([1-5]?\d{1,4}|60000)$/,
  flushAt: /^([1-9]\d?|100)$/,
  namespace: /^[\w-]+$/,
  cookieDomain: /^[\w.-]*$/,
  consent: /^(granted|pending|denied)$/,
  whilePending: /^(hold|drop)$/,
};

/**
 * The options with defaults in place of what is absent or undefined.
 *
 * @throws TypeError that names every option that is missing, out of its bounds or unknown
 */
export function resolveOptions(options: TrackerOptions): Settings {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const settings: Settings = { ...DEFAULTS, ...Object.fromEntries(given) };
  const bad = Object.entries(settings).filter(
    ([name, value]) =>
      typeof value !== typeof DEFAULTS[name as keyof Settings] ||
      PATTERNS[name]?.test(String(value)) === false,
  );
  if (bad.length > 0) throw optionsError(bad.map(([name]) => name));
  return settings;
}
