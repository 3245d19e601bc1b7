export { createTracker } from './tracker';
export type { AnyEvents, Tracker } from './tracker';
export type { DropReason, TrackerOptions } from './options';
export type { CallOptions } from './core/event';
export type { User } from './core/identity';
