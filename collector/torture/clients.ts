/** Senders that send the same batch until it is acknowledged, and write down what was. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { makeBatch, type SentEvent } from './events';

export interface Recipient {
  readonly workspaceId: string;
  readonly writeKey: string;
}

export interface ClientsOptions {
  readonly seed: number;
  readonly recipients: readonly Recipient[];
  /** Where the collector listens now. */
  readonly origin: () => string;
  /** A line for each acknowledged event: its workspace and its ID. */
  readonly ledger: string;
  readonly streams: number;
}

export interface Clients {
  readonly acknowledgedBatches: () => number;
  /** Answers by status; 0 where the connection broke. */
  readonly answers: ReadonlyMap<number, number>;
  /** Answers that no client may ever get, in words; the first one ends the traffic. */
  readonly violations: readonly string[];
  /** Resolves when so many batches more are acknowledged. */
  readonly untilAcknowledged: (batches: number) => Promise<void>;
  /** Lets each finish its batch: afterwards everything that was sent is acknowledged. */
  readonly finish: () => Promise<void>;
}

/** Two senders for each stream, so that each batch is sent twice at about the same time. */
const SENDERS_PER_STREAM = 2;
/** Far less than Retry-After asks for: it is to be tortured. */
const RETRY_MS = 100;
const ANSWER_WITHIN_MS = 60_000;

export function startClients(options: ClientsOptions): Clients {
  const answers = new Map<number, number>();
  const violations: string[] = [];
  const waiting = new Set<{ readonly from: number; readonly resolve: () => void }>();
  const until = Date.now();
  let acknowledged = 0;
  let isFinishing = false;
  writeFileSync(options.ledger, '');

  const letGo = (isDue: (from: number) => boolean): void => {
    for (const waiter of waiting) {
      if (!isDue(waiter.from)) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };

  const acknowledge = (workspaceId: string, batch: readonly SentEvent[]): void => {
    appendFileSync(options.ledger, batch.map(({ messageId }) => `${workspaceId} ${messageId}\n`).join(''));
    acknowledged += 1;
    letGo((from) => acknowledged >= from);
  };

  const giveUp = (problem: string): void => {
    violations.push(problem);
    isFinishing = true;
    letGo(() => true);
  };

  const send = async (stream: number): Promise<void> => {
    for (let turn = 0; !isFinishing; turn += 1) {
      const batch = makeBatch(options.seed, { stream, turn, until });
      // Each workspace is sent the same IDs: they are not the same events.
      for (const recipient of options.recipients) {
        if (await deliver(recipient, batch)) acknowledge(recipient.workspaceId, batch);
      }
    }
  };

  const deliver = async ({ writeKey }: Recipient, batch: readonly SentEvent[]): Promise<boolean> => {
    while (violations.length === 0) {
      const { status, problem } = await post(`${options.origin()}/v1/batch?writeKey=${writeKey}`, batch);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (problem !== undefined) giveUp(problem);
      else if (status === 200) return true;
      else await wait(RETRY_MS);
    }
    return false;
  };

  const senders = Array.from({ length: options.streams * SENDERS_PER_STREAM }, (_, index) =>
    send(index % options.streams),
  );
  return {
    acknowledgedBatches: () => acknowledged,
    answers,
    violations,
    untilAcknowledged: (batches) =>
      violations.length > 0
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.add({ from: acknowledged + Math.max(1, batches), resolve })),
    async finish() {
      isFinishing = true;
      await Promise.all(senders);
    },
  };
}

interface Sent {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly problem?: string;
}

async function post(url: string, batch: readonly SentEvent[]): Promise<Sent> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ batch }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    body = await response.text();
  } catch (error) {
    const isSilent = (error as Error).name === 'TimeoutError';
    return { status: 0, ...(isSilent ? { problem: `no answer within ${ANSWER_WITHIN_MS / 1000} s` } : {}) };
  }
  const { status } = response;
  if (status === 200) {
    const { accepted, duplicates } = JSON.parse(body) as { accepted: number; duplicates: number };
    if (accepted + duplicates === batch.length) return { status };
  }
  if (status === 503 && response.headers.has('retry-after')) return { status };
  return { status, problem: `${status} ${body.slice(0, 300)}` };
}

/** The acknowledged IDs of the ledger, by workspace. */
export function readLedger(path: string): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = new Map<string, Set<string>>();
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const [workspaceId = '', messageId = ''] = line.split(' ');
    const known = ids.get(workspaceId) ?? new Set();
    ids.set(workspaceId, known.add(messageId));
  }
  return ids;
}
