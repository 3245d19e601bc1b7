/** The load generator: a process of its own, so that what it costs can be told apart. */
import { setTimeout as wait } from 'node:timers/promises';
import { type HttpAnswer, type HttpLane, openHttpLane, renderPost } from './http-lane';
import type { LoadAnswer, LoadCommand, LoadPlan, LoadResult } from './load-contract';
import { createTraffic, type Traffic } from './traffic';

const SEED = 20_261_121;
const FAULTS_KEPT = 5;

const traffic = createTraffic(SEED, Date.now);
/** Events that were sent lately, to be sent again. */
const sent: string[] = [];
const MAX_SENT = 5_000;
let plan: LoadPlan | undefined;
let requests: readonly Buffer[] = [];

process.on('message', (command: LoadCommand) => {
  void obey(command)
    .catch((error: unknown) => ({ error: String((error as Error).stack) }))
    .then((answer: LoadAnswer) => process.send!(answer));
});

async function obey(command: LoadCommand): Promise<LoadAnswer> {
  if (command.do === 'send') return { result: await send(plan!, requests) };
  ({ plan } = command);
  if (plan.duplicateShare < 1) {
    requests = Array.from({ length: plan.requests }, () => renderRequest(plan!, traffic));
  }
  return { prepared: true };
}

function renderRequest(
  { origin, writeKey, eventsPerRequest, duplicateShare, mix }: LoadPlan,
  { next: nextNew, random }: Traffic,
): Buffer {
  const next = (): string => {
    if (sent.length === MAX_SENT && random() < duplicateShare) return sent[Math.floor(random() * MAX_SENT)]!;
    const event = nextNew(mix);
    if (sent.length === MAX_SENT) sent[Math.floor(random() * MAX_SENT)] = event;
    else sent.push(event);
    return event;
  };
  if (eventsPerRequest === 1) {
    const event = next();
    const { type } = JSON.parse(event) as { type: string };
    return renderPost(new URL(`/v1/${type}?writeKey=${writeKey}`, origin), event);
  }
  const events = Array.from({ length: eventsPerRequest }, next);
  const body = `{"batch":[${events.join()}],"sentAt":"${new Date().toISOString()}"}`;
  return renderPost(new URL(`/v1/batch?writeKey=${writeKey}`, origin), body);
}

async function send(
  { origin, connections, ratePerSecond }: LoadPlan,
  all: readonly Buffer[],
): Promise<LoadResult> {
  const lanes = await Promise.all(Array.from({ length: connections }, () => openHttpLane(new URL(origin))));
  const tally = createTally();
  const waits = new Float64Array(all.length);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let index = 0;
  const work = async (lane: HttpLane): Promise<void> => {
    for (let mine = index++; mine < all.length; mine = index++) {
      const due = ratePerSecond === null ? performance.now() : begun + (mine * 1000) / ratePerSecond;
      const ahead = due - performance.now();
      if (ahead > 0) await wait(ahead);
      tally.add(await lane.send(all[mine]!));
      waits[mine] = performance.now() - due;
    }
  };
  await Promise.all(lanes.map((lane) => work(lane).catch((error: unknown) => tally.fault(String(error)))));
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const lane of lanes) lane.close();
  waits.sort();
  const percentile = (share: number): number =>
    waits[Math.min(all.length - 1, Math.floor(all.length * share))]!;
  return {
    seconds,
    ...tally.read(),
    bytes: all.reduce((sum, { length }) => sum + length, 0),
    ackMs: { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) },
    cpuSeconds: (user + system) / 1e6,
  };
}

interface Tally {
  readonly add: (answer: HttpAnswer) => void;
  readonly fault: (sentence: string) => void;
  readonly read: () => Pick<LoadResult, 'accepted' | 'duplicates' | 'faults'>;
}

/** Both kinds of answer: a batch's counts, and a single call's status. */
interface Body {
  readonly accepted?: number;
  readonly duplicates?: number;
  readonly rejected?: readonly { readonly message: string }[];
  readonly status?: 'accepted' | 'duplicate';
}

function createTally(): Tally {
  let accepted = 0;
  let duplicates = 0;
  const faults: string[] = [];
  const fault = (sentence: string): void => void (faults.length < FAULTS_KEPT && faults.push(sentence));
  return {
    fault,
    add({ status, body }) {
      if (status !== 200) return fault(`${status} ${body}`);
      const answer = JSON.parse(body) as Body;
      accepted += answer.accepted ?? (answer.status === 'accepted' ? 1 : 0);
      duplicates += answer.duplicates ?? (answer.status === 'duplicate' ? 1 : 0);
      for (const { message } of answer.rejected ?? []) fault(`Refused: ${message}`);
    },
    read: () => ({ accepted, duplicates, faults }),
  };
}
