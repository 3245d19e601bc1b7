export { createTracker } from './create-tracker';
export type { AnyEvents, Callback, Consent, IdentityStorage, Topics, Tracker } from './api';
export type { TrackerOptions } from './options';
export type { CallOptions } from './core/event';
export type { User } from './core/identity';
export type { Plugin } from './core/plugin';
export type { DeliveryError, DropReason, Receipt } from './core/receipt';
export type { WireEvent } from './core/wire';
