import type { Weight } from './contract';

/** A job that waits, and who waits for it. */
export interface Waiting<Job, Result> {
  readonly job: Job;
  readonly weight: Weight;
  /** When it came, by the queue's clock. */
  readonly since: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export interface Lanes<Job, Result> {
  push(lane: string, waiting: Waiting<Job, Result>): void;
  /** Of the lanes that are full, or whose first job came at or before `due`, the one that has waited longest. */
  findRipe(due: number): string | undefined;
  /** The first jobs of a lane, up to a group's size, and at least one. */
  take(lane: string): readonly Waiting<Job, Result>[];
  /** When the job came that has waited longest; undefined where none waits. */
  oldest(): number | undefined;
  isEmpty(): boolean;
  counts(): { readonly jobs: number; readonly events: number };
}

/** First in, first out, by lane; jobs of different lanes never meet in a group. */
export function createLanes<Job, Result>(maxEvents: number): Lanes<Job, Result> {
  const lanes = new Map<string, { jobs: Waiting<Job, Result>[]; events: number }>();
  return {
    push(name, waiting) {
      const lane = lanes.get(name) ?? { jobs: [], events: 0 };
      lane.jobs.push(waiting);
      lane.events += waiting.weight.events;
      lanes.set(name, lane);
    },
    findRipe(due) {
      let ripe: { name: string; since: number } | undefined;
      for (const [name, { jobs, events }] of lanes) {
        const since = jobs[0]!.since;
        const isRipe = since <= due || events >= maxEvents;
        if (isRipe && (ripe === undefined || since < ripe.since)) ripe = { name, since };
      }
      return ripe?.name;
    },
    take(name) {
      const lane = lanes.get(name)!;
      let events = 0;
      let count = 0;
      for (const { weight } of lane.jobs) {
        if (count > 0 && events + weight.events > maxEvents) break;
        events += weight.events;
        count += 1;
      }
      lane.events -= events;
      const group = lane.jobs.splice(0, count);
      if (lane.jobs.length === 0) lanes.delete(name);
      return group;
    },
    oldest() {
      const since = [...lanes.values()].map(({ jobs }) => jobs[0]!.since);
      return since.length === 0 ? undefined : Math.min(...since);
    },
    isEmpty: () => lanes.size === 0,
    counts() {
      const all = [...lanes.values()];
      return {
        jobs: all.reduce((sum, { jobs }) => sum + jobs.length, 0),
        events: all.reduce((sum, { events }) => sum + events, 0),
      };
    },
  };
}
