/** What an optional entry point needs of a tracker; every tracker has it, whatever events it was typed for. */
export interface TrackCalls {
  track(event: string, properties?: object, options?: object): unknown;
}

/** Ends what was started; calling it again does nothing. */
export type Undo = () => void;
