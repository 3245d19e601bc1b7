/**
 * Builds what is missing or stale. Stale is decided by content: a hash of everything that a build reads is kept beside
 * its output, so a checkout, a copy or a clock do not matter. Plain JavaScript, because nothing is built yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Compilers, and what is bundled: any of them may change every output. */
const SHARED_INPUTS = ['tsconfig.json', 'package-lock.json'];
const STAMP = '.built-from';

const TARGETS = [
  {
    name: 'the SDK',
    inputs: ['sdk/src', 'sdk/scripts', 'sdk/package.json', 'sdk/tsconfig.json', 'sdk/tsup.config.ts'],
    output: 'sdk/dist',
    mustHold: ['sdk.js', 'autocapture.js', 'web-vitals.js', 'experiments.js', 'index.js'],
    command: ['tsup', 'tsup'],
    folder: 'sdk',
  },
  {
    name: 'the collector',
    inputs: [
      'collector/src',
      'collector/package.json',
      'collector/tsconfig.json',
      'collector/tsup.config.ts',
    ],
    output: 'collector/dist',
    mustHold: ['main.js', 'cli.js'],
    command: ['tsup', 'tsup'],
    folder: 'collector',
  },
  {
    name: 'the console',
    inputs: ['index.html', 'public', 'src', 'tsconfig.json', 'vite.config.ts'].map(
      (path) => `collector/console/${path}`,
    ),
    output: 'collector/console/dist',
    mustHold: ['index.html'],
    command: ['vite', 'vite', 'build', 'console', '--logLevel', 'warn'],
    folder: 'collector',
  },
];

/** One line for each thing built; what a failed build said in full. Whether everything is there now. */
export async function buildStale() {
  const built = await Promise.all(TARGETS.filter(isStale).map(build));
  return built.every(Boolean);
}

/** After a full build (npm run build), which is as good: remembers what it was made from. */
export function markAllBuilt() {
  for (const target of TARGETS) stamp(target, hashInputs(target));
}

function isStale(target) {
  const output = join(ROOT, target.output);
  const isThere = target.mustHold.every((name) => existsSync(join(output, name)));
  return !isThere || readStamp(target) !== hashInputs(target);
}

async function build(target) {
  const begun = performance.now();
  // Before the build: an edit meanwhile makes it stale again.
  const hash = hashInputs(target);
  rmSync(join(ROOT, target.output, STAMP), { force: true });
  const { code, output } = await run(target);
  if (code !== 0) {
    console.error(`Building ${target.name} failed:\n${output.trim()}`);
    return false;
  }
  stamp(target, hash);
  console.log(`Built ${target.name} in ${((performance.now() - begun) / 1000).toFixed(1)} s.`);
  return true;
}

function run({ command: [packageName, binary, ...args], folder }) {
  return new Promise((resolve) => {
    const program = findProgram(packageName, binary);
    if (program === undefined) {
      resolve({
        code: 1,
        output: `${packageName} is not installed: run npm ci (with development packages).`,
      });
      return;
    }
    const child = spawn(process.execPath, [program, ...args], {
      cwd: join(ROOT, folder),
      // Types are for publishing; a start does not wait for them. A build is the same whatever NODE_ENV says.
      env: { ...process.env, THROUGHLINE_BUILD: 'fast', NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function findProgram(packageName, binary) {
  try {
    const require = createRequire(join(ROOT, 'collector', 'package.json'));
    const manifestPath = require.resolve(`${packageName}/package.json`);
    const { bin } = JSON.parse(readFileSync(manifestPath, 'utf8'));
    return join(dirname(manifestPath), bin[binary]);
  } catch {
    // Not installed; the caller says so.
    return undefined;
  }
}

function hashInputs({ inputs }) {
  const hash = createHash('sha256');
  for (const path of [...inputs, ...SHARED_INPUTS].flatMap(listFiles).sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(path) {
  const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(join(ROOT, path)).flatMap((name) => listFiles(`${path}/${name}`));
}

function readStamp({ output }) {
  const path = join(ROOT, output, STAMP);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function stamp({ output }, hash) {
  mkdirSync(join(ROOT, output), { recursive: true });
  writeFileSync(join(ROOT, output, STAMP), hash);
}
