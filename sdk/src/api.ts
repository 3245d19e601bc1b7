import type { CallOptions } from './core/event';
import type { User } from './core/identity';
import type { Plugin } from './core/plugin';
import type { DeliveryError, Receipt } from './core/receipt';

/** Events by name with their properties, to have calls checked: `createTracker<{ 'Cart Viewed': {…} }>(…)`. */
export type AnyEvents = Record<string, object>;

/** Called once the call is done and its event is stored; no need to wait for it, nor for anything it is given. */
export type Callback = (...none: never[]) => void;

/** How each call may end. */
export type Rest = [options?: CallOptions | Callback | null, callback?: Callback | null];

/** The properties of an event, which may be left out where none of them is needed. */
export type Said<Properties> =
  Record<never, never> extends Properties
    ? [properties?: Properties | Callback | null, ...rest: Rest]
    : [properties: Properties, ...rest: Rest];

/** What a tracker tells of. */
export interface Topics {
  /** The collector has stored an event. */
  readonly sent: Receipt;
  /** An event was given up. */
  readonly drop: Receipt;
  readonly error: DeliveryError;
  /** Who the visitor was is forgotten, by `reset()` or without their consent: what else is kept of them has to go. */
  readonly forget: undefined;
}

/** What a visitor has agreed to. */
export type Consent = 'granted' | 'pending' | 'denied';

/** Where an application keeps who the visitor is: localStorage's own form, or the same with promises. */
export interface IdentityStorage {
  getItem(key: string): string | null | undefined | PromiseLike<string | null | undefined>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

type Id = string | number | null;
type Traits = object | Callback | null;

/**
 * All calls return at once and never throw. The signatures are those of Segment's analytics.js; what JSON
 * cannot carry is replaced. The promises say what became of the event, as soon as that is known; they never
 * reject, and nobody needs to wait for them: so they are typed as what a linter lets float.
 */
export interface Tracker<Events extends object = AnyEvents> {
  /** Says who the visitor is, for this and all later events, and what is known about them. */
  identify(userId?: Id, traits?: Traits, ...rest: Rest): PromiseLike<Receipt>;
  identify(traits: object | Callback, ...rest: Rest): PromiseLike<Receipt>;
  /** Something was done. */
  track<Name extends keyof Events & string>(event: Name, ...said: Said<Events[Name]>): PromiseLike<Receipt>;
  /** A page was seen; its path, referrer, search, title and url are added. */
  page(name?: string | null, properties?: Traits, ...rest: Rest): PromiseLike<Receipt>;
  page(
    category: string | null,
    name: string | null,
    properties?: Traits,
    ...rest: Rest
  ): PromiseLike<Receipt>;
  page(properties: object | Callback, ...rest: Rest): PromiseLike<Receipt>;
  /** A screen of an app was seen. */
  screen(name?: string | null, properties?: Traits, ...rest: Rest): PromiseLike<Receipt>;
  screen(
    category: string | null,
    name: string | null,
    properties?: Traits,
    ...rest: Rest
  ): PromiseLike<Receipt>;
  screen(properties: object | Callback, ...rest: Rest): PromiseLike<Receipt>;
  /** The visitor belongs to a group, such as a company, with these traits. */
  group(groupId?: Id, traits?: Traits, ...rest: Rest): PromiseLike<Receipt>;
  group(traits: object | Callback, ...rest: Rest): PromiseLike<Receipt>;
  /** This user ID is also the one before, by default the anonymous ID. */
  alias(
    userId: string | number,
    previousId?: Id | CallOptions | Callback,
    ...rest: Rest
  ): PromiseLike<Receipt>;
  /** Forgets user and traits and makes a new anonymous ID: somebody signed out. */
  reset(): void;
  /** Sends what waits; resolves when nothing more can be done now, never rejects. */
  flush(): Promise<void>;
  /** Ends it: sends a last time, lets go of page and locks, ignores later calls. What waits stays stored. */
  close(): void;
  /** Has a plugin see each event from now on; returns its undo. */
  use(plugin: Plugin): () => void;
  /** Tells of what happens; returns its undo. */
  on<Topic extends keyof Topics>(topic: Topic, listener: (what: Topics[Topic]) => unknown): () => void;
  /** Resolves when events are recorded: at once, or when consent is granted and `storage` is read. */
  readonly ready: Promise<void>;
  readonly consent: {
    get(): Consent;
    /**
     * The visitor has chosen. What was held is recorded, as of when it was called; or, without their consent,
     * everything is dropped and wiped from the device, in all pages of the visitor's, the cookie too.
     */
    set(choice: Consent): void;
  };
  /** Empty while nothing is recorded: without consent, before `ready`, on a server. */
  anonymousId(): string;
  user(): User;
  /** The session that an event would belong to now; its ID is empty while nothing is recorded. */
  session(): { readonly id: string };
}
