import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/embedded/folder-lock';
import { processPlace, processStart } from '../../src/embedded/process-identity';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'throughline-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (): string => join(folder, 'collector.lock');

function leaveLock(holder: Record<string, unknown>): void {
  const ours = { pid: process.pid, start: processStart(process.pid), place: processPlace(), nonce: 'left' };
  writeFileSync(path(), JSON.stringify({ ...ours, ...holder }));
}

describe('the lock of a data folder', () => {
  it('keeps a second one out, and leaves nothing behind when it is released', async () => {
    const lock = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(
      `already running on the data folder ${folder} (process ${process.pid})`,
    );
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    (await lockFolder(folder)).release();
  });

  it('gives way when the process that left it is gone', async () => {
    leaveLock({ pid: 2 ** 22 + 1, start: '1' });
    (await lockFolder(folder)).release();
  });

  it('gives way when the number belongs to another process by now', async () => {
    leaveLock({ start: '1' });
    (await lockFolder(folder)).release();
  });

  it('gives way when it is no lock at all', async () => {
    writeFileSync(path(), '{"pid":');
    (await lockFolder(folder)).release();
  });

  it('of another machine or container gives way when nobody touches it any more', async () => {
    leaveLock({ place: 'another machine' });
    let waits = 0;
    const lock = await lockFolder(folder, { goneAfterMs: 20, onWait: () => waits++ });
    expect(waits).toBe(1);
    lock.release();
  });

  it('of another machine or container holds as long as it is touched', async () => {
    const lock = await lockFolder(folder, { touchEveryMs: 1 });
    const written = JSON.parse(readFileSync(path(), 'utf8')) as Record<string, unknown>;
    writeFileSync(path(), JSON.stringify({ ...written, place: 'another machine' }));
    await expect(lockFolder(folder, { goneAfterMs: 200 })).rejects.toThrow('already running');
    lock.release();
  });

  it('is held by exactly one of many that find the same leftover', async () => {
    leaveLock({ start: '1' });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(locks).toHaveLength(1);
    locks[0]?.release();
    expect(readdirSync(folder)).toEqual([]);
  });
});
