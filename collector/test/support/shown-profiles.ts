/** Everybody in a workspace as the HTTP API shows them, in a form that tests can state whole. */
import type { Api } from './api';
import { addWorkspace, type TestWorkspace } from './workspaces';

export interface ShownProfile {
  /** As "kind:value", sorted. */
  readonly identifiers: readonly string[];
  readonly traits: Record<string, unknown>;
  readonly pages: number;
  readonly orders: number;
  readonly revenue: Record<string, string>;
  /** The message IDs of its events, oldest first. */
  readonly timeline: readonly string[];
}

/** By the profile's strongest identifier, as "kind:value". */
export type ShownProfiles = Readonly<Record<string, ShownProfile>>;

interface Summary {
  readonly id: string;
  readonly userId: string | null;
  readonly email: string | null;
  readonly anonymousId: string | null;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly events: number;
}

/**
 * Reads all profiles and all their timelines. Whatever the test is about, no event may stand on two timelines, and what
 * a profile counts must be what it shows: else this throws.
 */
export async function readProfiles({ get }: TestWorkspace): Promise<ShownProfiles> {
  const { data } = (await get('/v1/profiles?limit=1000')) as { data: readonly Summary[] };
  const found = await Promise.all(data.map((summary) => readProfile(get, summary)));
  const timelines = found.flatMap(([, { timeline }]) => timeline);
  const twice = timelines.filter((messageId, index) => timelines.indexOf(messageId) !== index);
  if (twice.length > 0) throw new Error(`On more than one timeline, or twice on one: ${twice.join(', ')}.`);
  return Object.fromEntries(found);
}

async function readProfile(
  get: TestWorkspace['get'],
  { id, ...summary }: Summary,
): Promise<[string, ShownProfile]> {
  const [detail, { data: newestFirst }] = await Promise.all([
    get(`/v1/profiles/${id}`),
    get(`/v1/profiles/${id}/timeline?limit=1000`) as Promise<{
      data: { messageId: string; occurredAt: string }[];
    }>,
  ]);
  const events = newestFirst.reverse();
  const counted = [summary.events, summary.firstSeenAt, summary.lastSeenAt];
  const shown = [events.length, events[0]?.occurredAt, events.at(-1)?.occurredAt];
  if (String(counted) !== String(shown)) {
    throw new Error(`${nameOf(summary)} counts ${String(counted)} and shows ${String(shown)}.`);
  }
  const { identifiers, traits, pages, orders, revenue } = detail;
  const names = identifiers.map(({ kind, value }: { kind: string; value: string }) => `${kind}:${value}`);
  return [
    nameOf(summary),
    {
      identifiers: [...new Set<string>(names)].sort(),
      traits,
      pages,
      orders,
      revenue,
      timeline: events.map(({ messageId }) => messageId),
    },
  ];
}

function nameOf({ userId, email, anonymousId }: Pick<Summary, 'userId' | 'email' | 'anonymousId'>): string {
  if (userId !== null) return `user:${userId}`;
  return email === null ? `anonymous:${anonymousId}` : `email:${email}`;
}

/**
 * What comes of items, however they arrive: in one batch, forwards and backwards, and one by one forwards, backwards,
 * and with each of them as the last. Throws where that makes a difference.
 */
export async function afterAnyArrival(api: Api, items: readonly object[]): Promise<ShownProfiles> {
  const backwards = [...items].reverse();
  const alone = (sequence: readonly object[]) => sequence.map((item) => [item]);
  const arrivals = [
    [items],
    [backwards],
    alone(items),
    alone(backwards),
    ...items.map((late) => alone([...items.filter((item) => item !== late), late])),
  ];
  const outcomes = await Promise.all(
    arrivals.map(async (batches) => {
      const workspace = await addWorkspace(api);
      for (const batch of batches) {
        const { accepted } = await workspace.send(batch);
        if (accepted !== batch.length)
          throw new Error(`Of ${batch.length} events ${accepted} were accepted.`);
      }
      return readProfiles(workspace);
    }),
  );
  const [first, ...others] = outcomes.map((outcome) => JSON.stringify(sorted(outcome)));
  const different = others.findIndex((other) => other !== first);
  if (different >= 0) {
    throw new Error(
      `It depends on the arrival.\nFirst: ${first}\nAfter ${JSON.stringify(arrivals[different + 1])}: ${others[different]}`,
    );
  }
  return outcomes[0]!;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, of]) => [key, sorted(of)]));
}
