import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openVictim, type Victim } from '../../torture/victim';
import { recount } from '../support/recount';
import { read, send, sendUntilAcknowledged, visit } from '../support/sending';

/**
 * A disk that is full is a file system of a few megabytes with a ballast file in it, mounted for this test alone. It
 * takes a user who may mount (root, as in CI), and fails where there is none: a limit on the size of files, which
 * anybody could set, is another error to Postgres, and its log would never meet it.
 */
const DISK = '192m';
/** Left when the ballast is in: less than a segment of the log, so that the log is what does not fit. */
const LEFT_BYTES = 2 * 1024 * 1024;

let disk: string;
let victim: Victim;

beforeAll(async () => {
  disk = mkdtempSync(join(tmpdir(), 'throughline-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=0711`, 'throughline-test', disk]);
  chmodSync(disk, 0o711);
  victim = await openVictim({
    folder: disk,
    // Small, so that a full disk is met soon: in the log and in the tables.
    settings: { max_wal_size: '32MB', min_wal_size: '32MB', shared_buffers: '16MB', wal_recycle: 'off' },
  });
});
afterAll(async () => {
  await victim?.close();
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

const ballast = (): string => join(disk, 'ballast');

function fill(): void {
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast(), Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES)));
}

/** Large enough that a few of them do not fit any more. */
const heavyVisit = (name: string): object[] =>
  visit(name).map((event) => ({
    ...event,
    context: {
      notes: Array.from({ length: 2_000 }, () => Math.random().toString(36))
        .join(' ')
        .slice(0, 28_000),
    },
  }));

describe('a disk that is full', () => {
  it('is answered with 503 and not with an acknowledgement; with space again, all goes on', async () => {
    await sendUntilAcknowledged(victim, heavyVisit('before'));
    const pid = victim.pid();
    fill();
    const acknowledged: object[][] = [];
    let refused: object[] | undefined;
    while (refused === undefined) {
      const batch = heavyVisit(`until it is full ${acknowledged.length}`);
      const { status, retryAfter } = await send(victim, batch);
      if (status === 200) acknowledged.push(batch);
      else {
        expect([status, retryAfter]).toEqual([503, '2']);
        refused = batch;
      }
    }
    expect(acknowledged.length).toBeLessThan(2_000);
    // Where it is the log that does not fit, Postgres stops and cannot start again before there is space.
    expect([200, 503]).toContain(await read(victim, '/v1/profiles'));
    expect((await send(victim, heavyVisit('while it is full'))).status).toBe(503);

    rmSync(ballast());
    const { accepted, duplicates } = await sendUntilAcknowledged(victim, refused);
    expect(accepted + duplicates).toBe(3);
    for (const batch of acknowledged) expect(await send(victim, batch)).toMatchObject({ duplicates: 3 });
    expect(await recount(victim.postgres)).toEqual([]);
    expect([victim.pid(), await read(victim, '/v1/profiles')]).toEqual([pid, 200]);
  });
});
