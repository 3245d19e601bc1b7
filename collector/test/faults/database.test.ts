import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openVictim, type Victim } from '../../torture/victim';
import { recount } from '../support/recount';
import { read, send, sendUntilAcknowledged, visit } from '../support/sending';

let victim: Victim;
let pid: number;

beforeAll(async () => {
  victim = await openVictim();
  pid = victim.pid();
});
afterEach(async () => {
  expect(await recount(victim.postgres)).toEqual([]);
  expect([victim.pid(), await read(victim, '/v1/profiles')]).toEqual([pid, 200]);
});
afterAll(() => victim.close());

const SENDERS = 8;

/** Senders at work while it happens; each goes on until it was acknowledged a few times afterwards. */
async function underLoad(name: string, happen: () => Promise<void> | void): Promise<void> {
  let hasHappened = false;
  let arrived = 0;
  let onArrival = (): void => undefined;
  const isUnderWay = new Promise<void>((resolve) => {
    onArrival = () => void ((arrived += 1) === SENDERS * 2 && resolve());
  });
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    for (let turn = 0, after = 0; after < 3; turn += 1) {
      if (hasHappened) after += 1;
      const { accepted, duplicates } = await sendUntilAcknowledged(
        victim,
        visit(`${name} ${sender} ${turn}`),
      );
      expect(accepted + duplicates).toBe(3);
      onArrival();
    }
  });
  await Promise.race([isUnderWay, Promise.all(senders)]);
  await happen();
  hasHappened = true;
  await Promise.all(senders);
}

describe('under load, a database that', () => {
  it('is killed, every process of it at once, has all that was acknowledged when it is back', async () => {
    const before = victim.postgres.postmaster();
    await underLoad('killed', () => victim.postgres.killAll());
    expect(victim.postgres.postmaster()).not.toBe(before);
  });

  it('loses one process, and ends all others’ connections for it, is used again', async () => {
    await underLoad('one process', async () => {
      const session = await victim.postgres.connect();
      const { rows } = await session.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'throughline-ingest' limit 1`,
      );
      process.kill(rows[0]!.pid, 'SIGKILL');
      await new Promise((resolve) => session.once('end', resolve));
    });
  });

  it.each(['SIGINT', 'SIGQUIT'] as const)('is restarted by %s is used again', async (signal) => {
    const before = victim.postgres.postmaster();
    await underLoad(signal, () => victim.postgres.signal(signal));
    expect(victim.postgres.postmaster()).not.toBe(before);
  });
});

describe('a database that takes no writes, as after a failover', () => {
  const setReadOnly = async (isReadOnly: boolean): Promise<void> => {
    await victim.postgres.ask(
      `alter system set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
    );
    await victim.postgres.ask('select pg_reload_conf()');
  };

  it('is answered with 503 and not with an acknowledgement; reads go on; and writes too when it takes them', async () => {
    const batch = visit('read-only');
    await setReadOnly(true);
    let sent = await send(victim, visit('until it has noticed'));
    while (sent.status === 200) sent = await send(victim, visit('until it has noticed'));
    expect(sent).toMatchObject({ status: 503, retryAfter: '2' });
    expect(await read(victim, '/v1/profiles')).toBe(200);
    expect((await send(victim, batch)).status).toBe(503);
    await setReadOnly(false);
    expect(await sendUntilAcknowledged(victim, batch)).toMatchObject({ accepted: 3, duplicates: 0 });
  });
});

describe('a lock that somebody holds', () => {
  it('makes writes wait for a bounded time and then say 503; reads go on; and writes when it is let go', async () => {
    const batch = visit('locked out');
    const session = await victim.postgres.connect();
    await session.query('begin');
    await session.query('lock table event_key in access exclusive mode');
    const pending = send(victim, batch);
    expect(await read(victim, '/v1/profiles')).toBe(200);
    expect(await pending).toMatchObject({ status: 503, retryAfter: '2' });
    expect(await read(victim, '/v1/profiles/user:nobody')).toBe(404);
    await session.query('commit');
    await session.end();
    expect(await sendUntilAcknowledged(victim, batch)).toMatchObject({ accepted: 3, duplicates: 0 });
  });

  it('on what reads need makes them say 503 too, however many they are, and ingest has its own connections', async () => {
    const session = await victim.postgres.connect();
    await session.query('begin');
    await session.query('lock table destination in access exclusive mode');
    const reads = Array.from({ length: 20 }, () => read(victim, '/v1/destinations'));
    const acknowledged = sendUntilAcknowledged(victim, visit('beside reads that wait'));
    expect(new Set(await Promise.all(reads))).toEqual(new Set([503]));
    expect(await acknowledged).toMatchObject({ accepted: 3 });
    await session.query('commit');
    await session.end();
    expect(await read(victim, '/v1/destinations')).toBe(200);
  });
});
