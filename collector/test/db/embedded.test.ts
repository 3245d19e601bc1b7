import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect';
import { describeServer } from '../../src/db/server';
import {
  openEmbeddedPostgres,
  type EmbeddedOptions,
  type EmbeddedPostgres,
} from '../../src/embedded/embedded-postgres';
import { findRunningServer } from '../../src/embedded/running-server';

let root: string;
let notices: string[];
let opened: EmbeddedPostgres[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'throughline-embedded-'));
  chmodSync(root, 0o711);
  notices = [];
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((postgres) => postgres.close('immediate')));
  rmSync(root, { recursive: true, force: true });
});

async function open(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const postgres = await openEmbeddedPostgres({
    folder: join(root, 'data'),
    isConfigured: false,
    onNotice: (sentence) => notices.push(sentence),
    onProblem: (sentence) => notices.push(sentence),
    sharedFolder: join(root, 'shared'),
    ...options,
  });
  opened.push(postgres);
  return postgres;
}

async function ask(url: string, query: string): Promise<Record<string, unknown>> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(query);
    return rows[0]!;
  } finally {
    await client.end();
  }
}

describe('the built-in Postgres', () => {
  it('sorts by bytes, keeps UTC, writes to the disk before it answers, and is used without superuser', async () => {
    const { url } = await open();
    expect(
      await ask(
        url,
        `select current_setting('server_encoding') encoding, current_setting('timezone') timezone,
          current_setting('fsync') fsync, current_setting('synchronous_commit') commit, 'a' > 'B' bytes`,
      ),
    ).toEqual({ encoding: 'UTF8', timezone: 'UTC', fsync: 'on', commit: 'on', bytes: true });
    const { pool, close } = openDatabase(url, { max: 1, applicationName: 'throughline-test' });
    expect(await describeServer(pool)).toMatchObject({ isSupported: true, bypassesRowSecurity: false });
    await close();
  });

  it('lets nobody in without the password, which nobody else can read', async () => {
    const { url, folder } = await open();
    const stranger = new URL(url);
    stranger.password = 'guess';
    await expect(ask(stranger.href, 'select 1')).rejects.toThrow('password authentication failed');
    expect(statSync(join(folder, 'credentials.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'postgres')).mode & 0o777).toBe(0o700);
  });

  it('keeps tables and passwords from one start to the next', async () => {
    const first = await open();
    await ask(first.url, 'create table kept (a int)').catch(() => undefined);
    await first.close();
    const second = await open();
    expect(await ask(second.url, `select to_regclass('kept') is not null as kept`)).toEqual({ kept: true });
    expect(notices).toEqual([]);
  });

  it('begins again where a first start was killed before it was complete', async () => {
    mkdirSync(join(root, 'data', 'postgres.new'), { recursive: true });
    chmodSync(join(root, 'data'), 0o711);
    writeFileSync(join(root, 'data', 'postgres.new', 'half'), '');
    const { url } = await open();
    expect(await ask(url, 'select 1 as one')).toEqual({ one: 1 });
  });

  it('is not kept from starting by a pid file whose number belongs to somebody else', async () => {
    const first = await open();
    await first.close();
    writeFileSync(
      join(first.folder, 'postgres', 'postmaster.pid'),
      `${process.pid}\n${first.folder}/postgres\n`,
    );
    const { url } = await open();
    expect(await ask(url, 'select 1 as one')).toEqual({ one: 1 });
  });

  it('says which version wrote data that this one cannot read', async () => {
    const first = await open();
    await first.close();
    writeFileSync(join(first.folder, 'postgres', 'PG_VERSION'), '14\n');
    await expect(open()).rejects.toThrow(/written by Postgres 14, and this is Postgres \d+/);
  });

  it('says what is missing when the passwords are gone', async () => {
    const first = await open();
    await first.close();
    rmSync(join(first.folder, 'credentials.json'));
    await expect(open()).rejects.toThrow('credentials.json, which holds the passwords of the data beside it');
  });
});

// What only root meets. Everybody else runs Postgres as themselves, wherever they are.
if (process.getuid?.() === 0) {
  describe('started by root, where others may not enter', () => {
    beforeEach(() => chmodSync(root, 0o700));

    function makeShared(): string {
      const folder = mkdtempSync(join(tmpdir(), 'throughline-shared-'));
      chmodSync(folder, 0o755);
      return folder;
    }

    it('keeps the data elsewhere, says so, and finds them again', async () => {
      const sharedFolder = makeShared();
      const first = await open({ sharedFolder });
      expect(first.folder.startsWith(join(sharedFolder, 'data-'))).toBe(true);
      expect(notices).toEqual([expect.stringContaining(`The data lie in ${first.folder}, because postgres`)]);
      await first.close();
      const second = await open({ sharedFolder });
      expect(second.folder).toBe(first.folder);
      // A command beside it finds it too, while it runs.
      expect(findRunningServer(join(root, 'data'))).toBe(second.url);
      await second.close();
      expect(findRunningServer(join(root, 'data'))).toBeUndefined();
      // A new clone in the old place is a new start.
      rmSync(join(root, 'data'), { recursive: true });
      const third = await open({ sharedFolder });
      expect(third.folder).not.toBe(first.folder);
      await third.close();
      rmSync(sharedFolder, { recursive: true });
    });

    it('refuses a folder that was asked for and cannot be used', async () => {
      await expect(open({ isConfigured: true })).rejects.toThrow(
        `The data folder ${join(root, 'data')} cannot be entered by postgres`,
      );
      expect(existsSync(join(root, 'data'))).toBe(false);
    });

    it('does not begin anew beside data that can no longer be reached', async () => {
      chmodSync(root, 0o711);
      const first = await open();
      await first.close();
      chmodSync(root, 0o700);
      await expect(open()).rejects.toThrow('chmod o+x');
    });
  });

  describe('started by root on a machine without the user', () => {
    const osUser = `tl-test-${process.pid}`;
    afterEach(() => {
      execFileSync('userdel', [osUser]);
    });

    it('creates it and runs as it', async () => {
      const { url, folder } = await open({ osUser });
      expect(await ask(url, 'select 1 as one')).toEqual({ one: 1 });
      const uid = Number(execFileSync('id', ['-u', osUser], { encoding: 'utf8' }));
      expect(statSync(join(folder, 'postgres')).uid).toBe(uid);
      expect(readdirSync(folder).sort()).toEqual([
        'collector.lock',
        'credentials.json',
        'postgres',
        'postgres.log',
      ]);
      await opened[0]!.close();
    });
  });
}
