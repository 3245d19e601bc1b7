import { QueueFull, type Reservation } from './contract';

/** The bytes in flight, and their bound. */
export interface Hold {
  /** Whether they were taken. */
  take(bytes: number): boolean;
  give(bytes: number): void;
  /** @throws QueueFull */
  reserve(bytes: number): Reservation;
  held(): number;
}

export function createHold(maxBytes: number): Hold {
  let held = 0;

  /** `own` is held by who asks: whoever is alone is given any number, or nobody could ever send it. */
  function take(bytes: number, own = 0): boolean {
    if (held > own && held + bytes > maxBytes) return false;
    held += bytes;
    return true;
  }

  return {
    take: (bytes) => take(bytes),
    give: (bytes) => void (held -= bytes),
    held: () => held,
    reserve(bytes) {
      let own = 0;
      const grow = (more: number): void => {
        if (!take(more, own)) throw new QueueFull();
        own += more;
      };
      grow(bytes);
      return {
        grow,
        release: () => {
          held -= own;
          own = 0;
        },
      };
    },
  };
}
