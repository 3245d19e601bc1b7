/** The process: reads the settings, opens everything, listens, says where, and stops in order. */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { buildApp } from './app';
import { originOf, renderBanner } from './banner';
import { readConfig, type Config } from './config';
import { generateKey, KEY_RANDOM_BYTES } from './core/key';
import { ensureFirstWorkspace, type FirstWorkspace } from './db/keys';
import { MigrationError } from './db/migrate';
import { createConsoleTicket } from './db/sessions';
import { addDemo } from './demo';
import { openDeps, type CloseMode, type Deps } from './deps';
import { StartError } from './embedded/start-error';
import { readEnvironment } from './environment';
import { createLogger } from './logger';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes a signal on that the terminal has already sent to the whole group: one Ctrl-C arrives twice. */
const SAME_SIGNAL_MS = 500;

/** Runs the collector until it is told to stop; the process ends in here. */
export async function runCollector(): Promise<void> {
  const config = loadConfig();
  if (config === undefined) return exitWith(1);
  const log = createLogger(config.logLevel);
  // A terminal that has gone is no reason to stop before everything is written.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  const collector = createCollector(config, log);
  for (const signal of STOP_SIGNALS) process.on(signal, collector.stop);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, 'Unexpected error');
      void collector.fail('now');
    });
  }
  try {
    await collector.start();
  } catch (error) {
    // A start that was given up has nothing to say, and the stop that did it ends the process.
    if (collector.isStopping()) return;
    complain(error, config);
    await collector.fail('drained');
  }
}

/** The settings; where they are wrong, every problem is printed. */
export function loadConfig(): Config | undefined {
  const result = readConfig(readEnvironment(process.cwd()));
  if (result.ok) return result.config;
  const count = result.problems.length === 1 ? 'One setting is' : `${result.problems.length} settings are`;
  console.error(`${count} wrong:\n${result.problems.map((problem) => `  ${problem}`).join('\n')}`);
  return undefined;
}

interface Collector {
  readonly start: () => Promise<void>;
  /** A signal: finishes what was accepted; the second time it ends at once. */
  readonly stop: () => void;
  /** Something is wrong: closes what is open, and ends with 1. */
  readonly fail: (how: CloseMode) => Promise<void>;
  readonly isStopping: () => boolean;
}

function createCollector(config: Config, log: FastifyBaseLogger): Collector {
  const starting = new AbortController();
  let started: Promise<Deps> | undefined;
  let app: FastifyInstance | undefined;
  let stoppedAt: number | undefined;

  const start = async (): Promise<void> => {
    await refuseTakenPort(config);
    const onNotice = (sentence: string): void => console.error(sentence);
    started = openDeps({ config, log, onNotice, signal: starting.signal });
    const { context } = await started;
    starting.signal.throwIfAborted();
    app = await buildApp({ ...context, isDraining: () => stoppedAt !== undefined }, log);
    starting.signal.throwIfAborted();
    await app.listen({ host: config.host, port: config.port });
    const { port } = app.server.address() as AddressInfo;
    await announce(config, context, originOf(config.host, port));
  };

  const close = async (how: CloseMode): Promise<void> => {
    const deps = await started?.catch(() => undefined);
    await deps?.close(how);
  };

  const stopGracefully = async (): Promise<void> => {
    const drained = Promise.resolve(app?.close()).then(() => close('drained'));
    if (await withinGrace(drained, config.shutdownGraceMs)) return exitWith(0);
    log.error('The grace period is over: what has no answer yet is cut off');
    await fail('now');
  };

  const fail = async (how: CloseMode): Promise<void> => {
    stoppedAt ??= performance.now();
    starting.abort();
    app?.server.close();
    app?.server.closeAllConnections();
    await close(how).catch((error: unknown) => log.error({ err: error }, 'Closing failed'));
    exitWith(1);
  };

  const stop = (): void => {
    const now = performance.now();
    if (stoppedAt === undefined) {
      stoppedAt = now;
      starting.abort();
      stopGracefully().catch((error: unknown) => {
        log.fatal({ err: error }, 'Stopping failed');
        void fail('now');
      });
    } else if (now - stoppedAt > SAME_SIGNAL_MS) {
      void fail('now');
    }
  };
  return { start, stop, fail, isStopping: () => stoppedAt !== undefined };
}

async function withinGrace(work: Promise<void>, graceMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<false>((resolve) => (timer = setTimeout(resolve, graceMs, false)));
  try {
    return await Promise.race([work.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** Before the first start makes a secret key that only the block would have shown. */
function refuseTakenPort({ host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

async function announce(config: Config, context: Deps['context'], url: string): Promise<void> {
  const workspace = await ensureFirstWorkspace(context.db, {
    writeKey: config.writeKey,
    secretKey: config.secretKey,
    newKey: (kind) => generateKey(kind, randomBytes(KEY_RANDOM_BYTES)),
    newId: context.newId,
  });
  const ticket = context.newToken();
  const { workspaceId } = workspace;
  await createConsoleTicket(context.db, { workspaceId, ticket, now: context.now() });
  const isProduction = config.environment === 'production';
  if (!isProduction) await addDemo(context, workspaceId);
  const banner = renderBanner({
    url,
    ticket,
    hasDemo: !isProduction,
    writeKey: workspace.writeKey,
    newSecretKey: secretToShow(config, workspace),
  });
  // In production stdout is for log lines alone.
  (isProduction ? process.stderr : process.stdout).write(banner);
}

/** One that came from the environment is known there, and need not be on a screen. */
function secretToShow(config: Config, { newSecretKey }: FirstWorkspace): string | null {
  return config.secretKey === undefined ? newSecretKey : null;
}

/** What somebody can do something about is one line; the rest is ours, with its stack. */
function complain(error: unknown, { host, port }: Config): void {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    console.error(`Port ${port} on ${host} is in use. Stop what uses it, or set PORT.`);
  } else if (syscall === 'listen' || syscall === 'getaddrinfo') {
    console.error(`Cannot listen on ${host}, port ${port}: ${(error as Error).message}. Set HOST or PORT.`);
  } else if (error instanceof StartError || error instanceof MigrationError) {
    console.error(error.message);
  } else {
    console.error(error);
  }
}

function exitWith(code: number): void {
  process.exit(code);
}
