import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { type FeedState, keepOpen } from './stream';
import type { LiveEvent } from './wire';

/** The newest are kept: enough to scroll through, few enough to draw at once. */
export const MAX_ROWS = 200;

export interface LiveFeed {
  readonly rows: ReadonlySignal<readonly LiveEvent[]>;
  readonly state: ReadonlySignal<FeedState>;
  readonly paused: ReadonlySignal<boolean>;
  /** Events that arrived while paused. */
  readonly held: ReadonlySignal<number>;
  /** Events that arrived since the console was opened. */
  readonly seen: ReadonlySignal<number>;
  /** Opens the stream; the answer closes it. Rows stay. */
  connect(): () => void;
  pause(): void;
  resume(): void;
  clear(): void;
}

interface FeedOptions {
  readonly open: () => EventSource;
  /** The stream was refused outright; a 401 is found out here. */
  readonly onRefused: () => void;
  /** Runs once before the next paint; tests own it. */
  readonly soon: (work: () => void) => void;
}

/** Events as they arrive: drawn once a frame, however many arrive, and at most MAX_ROWS wait for it. */
export function createLiveFeed({ open, onRefused, soon }: FeedOptions): LiveFeed {
  const rows = signal<readonly LiveEvent[]>([]);
  const state = signal<FeedState>('connecting');
  const paused = signal(false);
  const held = signal(0);
  const seen = signal(0);
  let waiting: LiveEvent[] = [];
  let arrived = 0;
  let drawing = false;

  function draw(): void {
    drawing = false;
    batch(() => {
      seen.value += arrived;
      if (paused.value) held.value += arrived;
      else {
        rows.value = newestFirst(waiting, rows.value);
        waiting = [];
      }
      arrived = 0;
    });
  }

  function take(event: LiveEvent): void {
    waiting.push(event);
    arrived += 1;
    if (waiting.length > MAX_ROWS) waiting.shift();
    if (drawing) return;
    drawing = true;
    soon(draw);
  }

  return {
    rows,
    state,
    paused,
    held,
    seen,
    connect: () =>
      keepOpen<LiveEvent>({
        open,
        message: 'event',
        onRefused,
        onMessage: take,
        onState: (next) => void (state.value = next),
      }),
    pause: () => void (paused.value = true),
    resume: () => {
      batch(() => {
        paused.value = false;
        held.value = 0;
        draw();
      });
    },
    clear: () => {
      waiting = [];
      batch(() => {
        rows.value = [];
        held.value = 0;
      });
    },
  };
}

/** A stream that reconnects may repeat what it sent; the same messageId is the same event. */
function newestFirst(arrived: readonly LiveEvent[], shown: readonly LiveEvent[]): readonly LiveEvent[] {
  const known = new Set(shown.map((event) => event.messageId));
  const fresh = arrived.filter((event) => !known.has(event.messageId) && known.add(event.messageId));
  return [...fresh.reverse(), ...shown].slice(0, MAX_ROWS);
}
