import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  makeDataFolder,
  runCommand,
  startCollector,
  THROUGHLINE,
  type StartedCollector,
} from '../support/collector';
import { createTestDatabase } from '../support/database';
import { processesBelow, type RunningProcess } from '../support/processes';

/** As long as it takes on a busy machine; what takes longer does not come. */
const PATIENCE = { timeout: 30_000, interval: 20 };

const START = [THROUGHLINE, 'start'];
const KEYS = {
  THROUGHLINE_WRITE_KEY: 'pk_0123456789abcdefABCDEFGH',
  THROUGHLINE_SECRET_KEY: 'sk_0123456789abcdefABCDEFGH',
};

let data: ReturnType<typeof makeDataFolder>;
let started: StartedCollector[];

beforeEach(() => {
  data = makeDataFolder();
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((collector) => collector.stop()));
  data.remove();
});

async function start(env: Record<string, string> = {}): Promise<StartedCollector> {
  const collector = await startCollector({ env: { THROUGHLINE_DATA_DIR: data.path, ...KEYS, ...env } });
  started.push(collector);
  return collector;
}

async function track(collector: StartedCollector, event: string): Promise<number> {
  const response = await fetch(`${collector.url}/v1/track?writeKey=${KEYS.THROUGHLINE_WRITE_KEY}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'ada', event }),
  });
  return response.status;
}

async function eventsOfAda(collector: StartedCollector): Promise<readonly string[]> {
  const response = await fetch(`${collector.url}/v1/profiles/user:ada/timeline`, {
    headers: { authorization: `Bearer ${KEYS.THROUGHLINE_SECRET_KEY}` },
  });
  const { data: events } = (await response.json()) as { data: readonly { event: string }[] };
  return events.map(({ event }) => event).sort();
}

const runningOf = (processes: readonly RunningProcess[]): readonly string[] =>
  processes.filter(({ isRunning }) => isRunning()).map(({ command }) => command);

const untilNoneRuns = (processes: readonly RunningProcess[]): Promise<void> =>
  vi.waitFor(() => expect(runningOf(processes)).toEqual([]), PATIENCE);

function childrenOf(collector: StartedCollector): readonly RunningProcess[] {
  const children = processesBelow(collector.pid);
  expect(children.some(({ command }) => command.includes('postgres -D'))).toBe(true);
  return children;
}

describe('a start', () => {
  it('prints where everything is, with keys that work, and the secret key only the first time', async () => {
    const env = { THROUGHLINE_DATA_DIR: data.path };
    const first = await startCollector({ env });
    started.push(first);
    expect(first.writeKey).toMatch(/^pk_[A-Za-z0-9]{24,}$/);
    expect(first.secretKey).toMatch(/^sk_[A-Za-z0-9]{24,}$/);
    const profiles = await fetch(`${first.url}/v1/profiles`, {
      headers: { authorization: `Bearer ${first.secretKey}` },
    });
    expect(profiles.status).toBe(200);
    const entered = await fetch(first.consoleLink, { redirect: 'manual' });
    expect(entered.headers.get('set-cookie')).toContain('throughline_session');
    await first.stop();

    const second = await startCollector({ env });
    started.push(second);
    expect(second.writeKey).toBe(first.writeKey);
    expect(second.secretKey).toBeNull();
    expect(second.output()).not.toContain('sk_');
  });

  it('lists everything that is wrong with its settings and does nothing', async () => {
    const { code, output } = await runCommand(START, {
      env: { PORT: 'http', THROUGHLINE_WRITE_KEY: 'pk_short', THROUGHLINE_DATADIR: data.path },
    });
    expect(code).toBe(1);
    expect(output).toContain('3 settings are wrong');
    expect(output).toContain('PORT must be a whole number from 0 to 65535, not "http"');
    expect(output).toContain('THROUGHLINE_WRITE_KEY must be pk_ and at least 24 letters or digits');
    expect(output).toContain('did you mean THROUGHLINE_DATA_DIR?');
  });

  it('says in one line that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, output } = await runCommand(START, {
      env: { PORT: String(port), THROUGHLINE_DATA_DIR: data.path },
    });
    other.close();
    expect(code).toBe(1);
    expect(output).toBe(`Port ${port} on 127.0.0.1 is in use. Stop what uses it, or set PORT.\n`);
  });

  it('refuses a data folder on which another collector runs, and leaves that one alone', async () => {
    const first = await start();
    const { code, output } = await runCommand(START, { env: { THROUGHLINE_DATA_DIR: data.path } });
    expect(code).toBe(1);
    expect(output).toContain(`already running on the data folder ${data.path} (process ${first.pid})`);
    expect(await track(first, 'Still here')).toBe(200);
  });

  it('says that it cannot connect to a database that is not there', async () => {
    const { code, output } = await runCommand(START, {
      env: { DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none' },
    });
    expect(code).toBe(1);
    expect(output).toMatch(/^Cannot connect to the database: .*ECONNREFUSED/);
  });

  it('brings an empty database that others start on at the same time up to date once, with one write key', async () => {
    const database = await createTestDatabase({ isEmpty: true });
    const collectors = await Promise.all(
      [0, 1, 2].map(() => startCollector({ env: { DATABASE_URL: database.url } })),
    );
    started.push(...collectors);
    expect(new Set(collectors.map(({ writeKey }) => writeKey)).size).toBe(1);
    expect(collectors.filter(({ secretKey }) => secretKey !== null)).toHaveLength(1);
    await Promise.all(collectors.map((collector) => collector.stop()));
    await database.close();
  });
});

describe('a stop', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s ends with 0, leaves no process, and the data are there again',
    async (signal) => {
      const collector = await start();
      expect(await track(collector, 'Before')).toBe(200);
      const children = childrenOf(collector);
      collector.kill(signal);
      expect(await collector.ended).toBe(0);
      expect(runningOf(children)).toEqual([]);
      expect(await eventsOfAda(await start())).toEqual(['Before']);
    },
  );

  it('takes one Ctrl-C that npm passes on a second time for one', async () => {
    const collector = await start();
    const children = childrenOf(collector);
    collector.kill('SIGINT');
    collector.kill('SIGINT');
    expect(await collector.ended).toBe(0);
    expect(runningOf(children)).toEqual([]);
  });

  it('during the start leaves no process either', async () => {
    const collector = await start();
    await collector.stop();
    const again = runCommand(START, { env: { THROUGHLINE_DATA_DIR: data.path } });
    const processes = await vi.waitFor(() => {
      const ours = processesBelow(process.pid);
      expect(ours.some(({ command }) => command.includes(`postgres -D ${data.path}`))).toBe(true);
      return ours.filter(({ command }) => command.includes(data.path) || command.includes(THROUGHLINE));
    }, PATIENCE);
    for (const { pid, command } of processes) if (command.includes(THROUGHLINE)) process.kill(pid, 'SIGTERM');
    expect((await again).code).toBe(0);
    await untilNoneRuns(processes);
  });
});

describe('after a crash', () => {
  it('of the collector its database stops by itself, and nothing that was acknowledged is gone', async () => {
    const collector = await start();
    expect(await track(collector, 'Acknowledged')).toBe(200);
    const children = childrenOf(collector);
    collector.kill('SIGKILL');
    await collector.ended;
    await untilNoneRuns(children);
    expect(await eventsOfAda(await start())).toEqual(['Acknowledged']);
  });

  it('of the collector and what watches over it, the orphaned database is stopped and started again', async () => {
    const collector = await start();
    expect(await track(collector, 'Acknowledged')).toBe(200);
    const children = childrenOf(collector);
    for (const { pid, command } of children)
      if (command.includes('throughline-watch')) process.kill(pid, 'SIGKILL');
    collector.kill('SIGKILL');
    await collector.ended;
    const orphan = children.find(({ command }) => command.includes('postgres -D'));
    expect(orphan?.isRunning()).toBe(true);

    const next = await start();
    expect(next.output()).toContain('Stopped the database that a killed start had left.');
    expect(orphan?.isRunning()).toBe(false);
    expect(await eventsOfAda(next)).toEqual(['Acknowledged']);
  });

  it('of the collector and its database together, the next start recovers', async () => {
    const collector = await start();
    expect(await track(collector, 'Acknowledged')).toBe(200);
    const children = childrenOf(collector);
    collector.kill('SIGKILL');
    for (const { pid } of children) killIfThere(pid);
    await collector.ended;
    await untilNoneRuns(children);
    expect(await eventsOfAda(await start())).toEqual(['Acknowledged']);
  });

  it('of the database alone the collector lives, starts it again, and takes events again', async () => {
    const collector = await start();
    expect(await track(collector, 'Before')).toBe(200);
    const postmaster = childrenOf(collector).find(({ command }) => command.includes('postgres -D'));
    // With connections in use: whoever uses one gets the error, and the process lives.
    const meanwhile = Array.from({ length: 50 }, () => track(collector, 'Meanwhile'));
    killIfThere(postmaster!.pid);
    expect(await Promise.all(meanwhile)).toHaveLength(50);
    await vi.waitFor(async () => expect(await track(collector, 'After')).toBe(200), PATIENCE);
    expect(await eventsOfAda(collector)).toContain('Before');
    const children = childrenOf(collector);
    expect(await collector.stop()).toBe(0);
    expect(runningOf(children)).toEqual([]);
  });
});

describe('the command', () => {
  it('migrates and says what it applied, then that there is nothing to do', async () => {
    const database = await createTestDatabase({ isEmpty: true });
    const env = { DATABASE_URL: database.url };
    const first = await runCommand([THROUGHLINE, 'migrate'], { env });
    expect(first).toEqual({
      code: 0,
      output: expect.stringMatching(/^Applied 0001_.*\nApplied 0002_/) as string,
    });
    const second = await runCommand([THROUGHLINE, 'migrate'], { env });
    expect(second).toEqual({ code: 0, output: 'The database is up to date.\n' });
    await database.close();
  });

  it('migrates a data folder and leaves no process', async () => {
    const { code, output } = await runCommand([THROUGHLINE, 'migrate'], {
      env: { THROUGHLINE_DATA_DIR: data.path },
    });
    expect(output).toMatch(/^Applied 0001_/);
    expect(code).toBe(0);
    expect(processesBelow(process.pid).filter(({ command }) => command.includes(data.path))).toEqual([]);
  });

  it('prints another link into the console of a collector that runs, and says where none does', async () => {
    const collector = await start();
    const env = { THROUGHLINE_DATA_DIR: data.path, PORT: new URL(collector.url).port };
    const { code, output } = await runCommand([THROUGHLINE, 'console'], { env });
    expect(code).toBe(0);
    const link = /^(\S+) /.exec(output)![1]!;
    expect(new URL(link).origin).toBe(collector.url);
    const entered = await fetch(link, { redirect: 'manual' });
    expect(entered.headers.get('set-cookie')).toContain('throughline_session=');

    await collector.stop();
    const alone = await runCommand([THROUGHLINE, 'console'], { env });
    expect(alone).toEqual({
      code: 1,
      output: expect.stringContaining('does not run on the data folder') as string,
    });
  });

  it('explains itself, and refuses what it does not know', async () => {
    const help = await runCommand([THROUGHLINE, 'help'], { env: {} });
    expect(help).toEqual({ code: 0, output: expect.stringContaining('throughline <command>') as string });
    const version = await runCommand([THROUGHLINE, 'version'], { env: {} });
    expect(version.output).toMatch(/^\d+\.\d+\.\d+/);
    const typo = await runCommand([THROUGHLINE, 'strat'], { env: {} });
    expect(typo.code).toBe(2);
    expect(typo.output).toContain('no command "strat"');
  });
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // A child of the one before ends with it.
  }
}
