/** The collector's answers, as the console reads them: JSON, camelCase, times as RFC 3339 text. */

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly timezone: string;
  readonly currency: string;
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
  readonly estimatedTotal?: number;
}

/** Whom an event, a profile or a member names; at least one of the three is there. */
export interface Identity {
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Profile extends Identity {
  readonly id: string;
  readonly traits: JsonObject;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly events: number;
  readonly pages: number;
  readonly orders: number;
  /** Exact decimals by currency, such as `{ "USD": "59.99" }`. */
  readonly revenue: Readonly<Record<string, string>>;
  readonly lastPage: {
    readonly url: string | null;
    readonly path: string | null;
    readonly title: string | null;
    readonly name: string | null;
    readonly at: string;
  } | null;
  /** The utm parameters, each text or null, and when. */
  readonly firstCampaign: (Readonly<Record<string, string | null>> & { readonly at: string }) | null;
  readonly firstReferrer: { readonly url: string; readonly at: string } | null;
}

export interface Identifier {
  readonly kind: 'user' | 'email' | 'anonymous';
  readonly value: string;
}

/** When an identifier was theirs; null is open. */
export interface Interval {
  readonly from: string | null;
  readonly to: string | null;
}

export interface TraitDetail {
  readonly trait: string;
  readonly value: unknown;
  readonly isOnce: boolean;
  readonly isShown: boolean;
  readonly at: string;
  readonly messageId: string;
  readonly source: { readonly id: string; readonly name: string | null } | null;
}

export interface Warning {
  readonly code: string;
  readonly events?: number;
  readonly lastAt?: string;
  readonly identifier?: Identifier;
  readonly profiles?: number;
}

export interface ProfileDetail extends Profile {
  readonly redirected: boolean;
  readonly identifiers: readonly (Identifier & { readonly intervals: readonly Interval[] })[];
  readonly identifierCount: number;
  readonly warnings: readonly Warning[];
  readonly traitDetails: readonly TraitDetail[];
  readonly audiences: readonly {
    readonly id: string;
    readonly key: string;
    readonly name: string;
    readonly enteredAt: string;
  }[];
}

export const EVENT_TYPES = ['track', 'page', 'identify', 'screen', 'group', 'alias'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface TimelineEvent extends Identity {
  readonly messageId: string;
  readonly type: EventType;
  /** A track event's name, or a page's or screen's. */
  readonly event: string | null;
  readonly occurredAt: string;
  readonly receivedAt: string;
  readonly via?: Identifier | null;
  readonly properties: JsonObject | null;
  readonly traits: JsonObject | null;
  readonly context?: JsonObject | null;
  readonly source?: { readonly id: string; readonly name: string | null } | null;
}

/** What a profile did in one visit. */
export interface ProfileSession {
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly events: number;
  readonly firstPage: Readonly<Record<'name' | 'path' | 'url' | 'title', string | null>> | null;
  /** Whatever a client sent as `context.campaign`. */
  readonly campaign: JsonObject | null;
  /** false: it began before what a request looks through. */
  readonly isWhole: boolean;
  /** The path of its events, oldest first, with a query. */
  readonly timeline: string;
}

/** Why an event is on a profile. */
export interface Why {
  readonly sentence: string;
}

/** What the live stream carries: the event, and whose timeline it landed on. */
export interface LiveEvent extends TimelineEvent {
  readonly profileId: string;
}

export interface Audience {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly kind: 'rule' | 'static';
  /** null: its members are those of a list. */
  readonly rule: unknown;
  readonly size: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly state: 'ready' | 'building';
  /** What runs now, and how far it is, in per cent, where that can be estimated. */
  readonly rebuild: { readonly startedAt: string; readonly percent: number | null } | null;
  readonly rebuiltAt: string | null;
  /** Why the last rebuild failed; the members are those of the last good one. */
  readonly error: string | null;
  /** When time alone may change who belongs to it. */
  readonly nextCheckAt: string | null;
  readonly checkedAt: string | null;
  /** How many members the last count from scratch found wrong. */
  readonly drift: number | null;
  /** The number of its last change; "0" before the first. */
  readonly lastChange: string;
}

/** What a clause of a rule asks, in English, and by where it stands. */
export interface Clause {
  readonly path: string;
  readonly text: string;
}

/** What a clause found of a profile. */
export interface Found {
  readonly path: string;
  readonly holds: boolean;
  readonly value: unknown;
}

export interface Member extends Identity {
  readonly profileId: string;
  readonly enteredAt: string;
  /** What led to it: event, clock, rebuild or list. */
  readonly cause: string;
  readonly why?: readonly Found[];
}

export interface MemberPage extends Page<Member> {
  readonly clauses?: readonly Clause[];
}

export interface AudienceChange extends Identity {
  readonly id: string;
  readonly change: 'entered' | 'exited';
  readonly at: string;
  readonly cause: string;
  readonly profileId: string;
}

/** A day: how large the audience was at its end. */
export interface SizePoint {
  readonly at: string;
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
}

/** What a list came to, and whom of it nobody knows. */
export interface Listed {
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
  readonly unknown: readonly string[];
  readonly unknownCount: number;
}

export interface Rebuild {
  readonly size: number;
  readonly entered: number;
  readonly exited: number;
  readonly rebuiltAt: string;
}

/** A number that was counted, or estimated between two bounds. */
export interface Estimated {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What a rule would find. */
export interface Preview {
  /** The rule in English. */
  readonly sentence: string;
  readonly isExact: boolean;
  readonly looked: number;
  readonly profiles: number;
  readonly count: Estimated;
  readonly clauses: readonly (Clause & { readonly count: Estimated })[];
  readonly sample: readonly (Identity & { readonly profileId: string; readonly why: readonly Found[] })[];
}

/** What went wrong, in words that can be shown. `status` is 0 when no answer came at all. */
export interface Failure {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}
