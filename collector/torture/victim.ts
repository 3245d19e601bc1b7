/** What is tortured: a collector of its own, a proxy, and a Postgres of its own behind it, with fsync on. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { generateKey, hashToken, KEY_RANDOM_BYTES, type KeyKind } from '../src/core/key';
import { startCollector, type StartedCollector } from '../test/support/collector';
import { openOwnPostgres, type OwnPostgres, type OwnPostgresOptions } from '../test/support/own-postgres';
import { openProxy, type Message, type Proxy } from '../test/support/proxy';
import type { Recipient } from './clients';
import type { FaultKind, PlannedFault } from './schedule';

export interface Victim {
  readonly postgres: OwnPostgres;
  readonly proxy: Proxy;
  /** Where the collector listens now: another port after each start. */
  readonly origin: () => string;
  /** Reads the first workspace. */
  readonly secretKey: string;
  /** The collector's process. */
  readonly pid: () => number;
  /** Two workspaces. */
  readonly recipients: readonly Recipient[];
  /** Does it, and sets right again what does not heal by itself. @throws Error where it healed wrongly */
  readonly suffer: (fault: PlannedFault) => Promise<void>;
  readonly close: () => Promise<void>;
}

const START_ATTEMPTS = 50;
const RETRY_MS = 100;
/** A group can take this long where nothing is written at all. */
const CUT_WITHIN_MS = 10_000;

export async function openVictim(options: OwnPostgresOptions = {}): Promise<Victim> {
  const postgres = await openOwnPostgres(options);
  const proxy = await openProxy(postgres.url);
  const [writeKey, secretKey] = [newKey('write'), newKey('secret')];
  const start = (): Promise<StartedCollector> =>
    startCollector({
      env: {
        DATABASE_URL: proxy.url,
        THROUGHLINE_WRITE_KEY: writeKey,
        THROUGHLINE_SECRET_KEY: secretKey,
        THROUGHLINE_LOG_LEVEL: 'fatal',
      },
    });
  const closeServers = async (): Promise<void> => {
    await proxy.close();
    await postgres.close();
  };
  let collector = await start().catch(async (error: unknown) => {
    await closeServers();
    throw error;
  });
  const recipients = await findRecipients(postgres, writeKey);

  const startAgain = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        collector = await start();
        return;
      } catch (error) {
        // The database may still be recovering; whoever runs a collector would start it again too.
        if (attempt === START_ATTEMPTS) throw error;
        await wait(RETRY_MS);
      }
    }
  };
  const killCollector = async (): Promise<void> => {
    collector.kill('SIGKILL');
    await collector.ended;
  };
  const cutOnce = async (matches: (message: Message) => boolean): Promise<void> => {
    const happened = new Promise<boolean>((resolve) => {
      proxy.cutWhere((message) => {
        if (!matches(message)) return false;
        proxy.cutWhere(null);
        resolve(true);
        return true;
      });
    });
    if (!(await Promise.race([happened, wait(CUT_WITHIN_MS, false)])))
      throw new Error('Nothing was committed.');
  };

  const faults: Readonly<Record<FaultKind, (fault: PlannedFault) => Promise<void>>> = {
    'kill -9 of the collector': () => killCollector().then(startAgain),
    'kill -9 of Postgres': () => Promise.resolve(postgres.killAll()),
    'kill -9 of both': async () => {
      postgres.killAll();
      await killCollector();
      await startAgain();
    },
    'SIGTERM and a new start': async () => {
      const code = await collector.stop();
      if (code !== 0) throw new Error(`After SIGTERM it ended with ${code}:\n${collector.output()}`);
      await startAgain();
    },
    'Postgres stopped where it stands': () => Promise.resolve(postgres.signal('SIGQUIT')),
    'all connections cut': () => Promise.resolve(proxy.cutAll()),
    'cut before COMMIT': () => cutOnce(isCommit),
    'cut before the answer to COMMIT': () => cutOnce(isCommitted),
    'a lock held': ({ holdMs }) => holdLock(postgres, holdMs),
  };
  return {
    postgres,
    proxy,
    origin: () => collector.url,
    pid: () => collector.pid,
    secretKey,
    recipients,
    async suffer(fault) {
      const { pid } = collector;
      await faults[fault.kind](fault);
      if (collector.pid === pid) await mustLive(collector);
    },
    async close() {
      await collector.stop();
      await closeServers();
    },
  };
}

/** The writers' COMMIT on its way to Postgres. */
export const isCommit = ({ from, type, text, applicationName }: Message): boolean =>
  from === 'collector' &&
  applicationName === 'throughline-ingest' &&
  ['Q', 'P'].includes(type) &&
  /^\W*commit\b/i.test(text);

/** The answer that the writers' COMMIT has happened. */
export const isCommitted = ({ from, type, text, applicationName }: Message): boolean =>
  from === 'postgres' && applicationName === 'throughline-ingest' && type === 'C' && text === 'COMMIT\0';

const newKey = (kind: KeyKind): string => generateKey(kind, randomBytes(KEY_RANDOM_BYTES));

/** The workspace of the start, and another one that is sent the same. */
async function findRecipients(postgres: OwnPostgres, writeKey: string): Promise<readonly Recipient[]> {
  const [first] = await postgres.ask<{ workspace_id: string }>('select workspace_id from workspace');
  const other = { workspaceId: randomUUID(), sourceId: randomUUID(), writeKey: newKey('write') };
  await postgres.ask(`insert into workspace (workspace_id, name) values ($1, 'Other')`, [other.workspaceId]);
  await postgres.ask(`insert into source (workspace_id, source_id, name) values ($1, $2, 'Shop')`, [
    other.workspaceId,
    other.sourceId,
  ]);
  await postgres.ask(
    `insert into access_key (workspace_id, key_id, kind, source_id, hash, token) values ($1, $2, 'write', $3, $4, $5)`,
    [other.workspaceId, randomUUID(), other.sourceId, hashToken(other.writeKey), other.writeKey],
  );
  return [{ workspaceId: first!.workspace_id, writeKey }, other];
}

async function holdLock(postgres: OwnPostgres, holdMs: number): Promise<void> {
  const session = await postgres.connect();
  await session.query('begin');
  await session.query('lock table event_key in access exclusive mode');
  await wait(holdMs);
  await session.query('commit');
  await session.end();
}

/** It may say 503 for a while, but it answers. @throws Error where the process has ended */
async function mustLive(collector: StartedCollector): Promise<void> {
  await fetch(`${collector.url}/ready`).catch((cause: unknown) => {
    throw new Error(`The process has ended:\n${collector.output()}`, { cause });
  });
}
