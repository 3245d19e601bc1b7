import type { EventType, Properties } from '../core/wire';
import type { Receipt } from './receipt';

/** Whom an event is about: at least one of the two. */
export type Who =
  | { readonly userId: string | number; readonly anonymousId?: string | undefined }
  | { readonly userId?: string | number | undefined; readonly anonymousId: string };

/** What may be said with every call. */
export interface CallDetails {
  /** Laid over ours, key by key. */
  readonly context?: Properties;
  /** When it happened: a Date, or what `Date` reads. @default now */
  readonly timestamp?: Date | string | number;
  /** Which destinations it is for, in Segment's form; kept with the event. */
  readonly integrations?: Properties;
  /** Names the event, up to 100 characters: sent again under the same one, it counts once. @default a new one */
  readonly messageId?: string;
}

/** An event and its properties, which may be left out where none of them is needed. */
type Said<Events extends object> = {
  [Name in keyof Events]: { readonly event: Name } & (Record<never, never> extends Events[Name]
    ? { readonly properties?: Events[Name] }
    : { readonly properties: Events[Name] });
}[keyof Events];

export type TrackCall<Events extends object> = Who & CallDetails & Said<Events>;
/** An email among the traits says who it is, too. */
export type IdentifyCall = (Who | { readonly traits: { readonly email: string } }) &
  CallDetails & { readonly traits?: object };
export type PageCall = Who &
  CallDetails & { readonly name?: string; readonly category?: string; readonly properties?: object };
export type GroupCall = Who & CallDetails & { readonly groupId: string | number; readonly traits?: object };
export type AliasCall = CallDetails & {
  readonly userId: string | number;
  readonly previousId: string | number;
};

/** Called with what became of the event; `error` is there unless it was stored. */
export type Callback = (error: Error | undefined, receipt: Receipt) => void;

/** A call's fields, as anybody may pass them. */
export type AnyCall = Readonly<Record<string, unknown>>;

/** The arguments that the browser's call of the same name would have, which is how calls are read. */
export function argumentsOf(type: EventType, call: AnyCall): readonly unknown[] {
  const { context, timestamp, integrations } = call;
  const options = { context, timestamp, integrations };
  switch (type) {
    case 'track':
      return [call['event'], call['properties'], options];
    case 'identify':
      return [call['userId'] ?? null, call['traits'], options];
    case 'group':
      return [call['groupId'] ?? null, call['traits'], options];
    case 'alias':
      return [call['userId'], call['previousId'], options];
    case 'page':
    case 'screen':
      return [call['category'] ?? null, call['name'] ?? null, call['properties'], options];
  }
}
