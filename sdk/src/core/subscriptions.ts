import { attempt } from './attempt';

type Listener = (what: never) => unknown;

/** Who wants to be told of what. */
export interface Subscriptions {
  /** Has the listener called with whatever is emitted under this topic; returns its undo. */
  on(topic: string, listener: Listener): () => void;
  /** The topic's listeners, in the order in which they came. */
  of(topic: string): readonly Listener[];
  /** Calls them; what they throw is theirs alone. */
  emit(topic: string, what?: unknown): void;
}

export function createSubscriptions(): Subscriptions {
  // An own object for each, so that one function may come twice, and each undo takes back its own.
  const all = new Set<readonly [topic: string, listener: Listener]>();
  const of = (topic: string): readonly Listener[] =>
    [...all].flatMap(([of, listener]) => (of === topic ? listener : []));
  return {
    of,
    on: (topic, listener) => {
      const entry = [topic, listener] as const;
      all.add(entry);
      return () => void all.delete(entry);
    },
    emit: (topic, what) => of(topic).forEach((listener) => attempt(() => listener(what as never))),
  };
}
