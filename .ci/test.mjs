/**
 * `npm test`: everything that has to hold, in one run that goes on after a failure and says at the end how many failed.
 * The last line is `Tests: N passed, N failed`; a step that is no test, and a test that was skipped, fails as one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markAllBuilt } from '../collector/bin/build.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const BROWSER_PATHS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** They do not depend on each other; two at a time, for that is how many cores a small machine has. */
const CHECKS = [
  { name: 'types', command: ['npm', 'run', '--silent', 'typecheck'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'format', command: ['npm', 'run', '--silent', 'format:check'] },
  { name: 'publint', command: ['npx', '--no-install', 'publint', 'sdk', '--strict'] },
  { name: 'attw', command: ['npx', '--no-install', 'attw', '--pack', 'sdk'] },
];

const failedSteps = [];

if (!(await hasBrowser())) failedSteps.push('browser');
await runSteps([{ name: 'build', command: ['npm', 'run', '--silent', 'build'] }], 1);
if (!failedSteps.includes('build')) markAllBuilt();
await runSteps(CHECKS, 2);
const tests = await runTests();

const failed = tests.failed + failedSteps.length;
if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.join(', ')}.`);
console.log(`Tests: ${tests.passed} passed, ${failed} failed`);
process.exit(failed === 0 && tests.passed > 0 ? 0 : 1);

/** The browser tests need a Chromium: found, else installed where that takes no questions. */
async function hasBrowser() {
  if (findBrowser()) return true;
  const mayInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (mayInstall) {
    const install = 'apt-get update && apt-get install -y --no-install-recommends chromium';
    const { code, output } = await run(['sh', '-c', install], { DEBIAN_FRONTEND: 'noninteractive' });
    if (code === 0 && findBrowser()) return true;
    console.log(output);
  }
  console.log(
    'The browser tests need Chromium or Chrome: install one, or set THROUGHLINE_CHROMIUM to its path.',
  );
  return false;
}

function findBrowser() {
  const configured = process.env.THROUGHLINE_CHROMIUM;
  if (configured !== undefined) return existsSync(configured);
  const isOnPath = (name) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
  return BROWSERS.some(isOnPath) || BROWSER_PATHS.some(existsSync);
}

async function runSteps(steps, atOnce) {
  const waiting = [...steps];
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await runStep(step);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** One line for a step that is well; all it said for one that is not. */
async function runStep({ name, command }) {
  const begun = performance.now();
  const { code, output } = await run(command);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (code === 0) {
    console.log(`ok      ${name} (${seconds} s)`);
  } else {
    console.log(`FAILED  ${name} (${seconds} s): ${command.join(' ')}\n${output.trimEnd()}\n`);
    failedSteps.push(name);
  }
}

function run([program, ...args], env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-report-'));
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync('npx', ['--no-install', 'vitest', 'run', '--project', '!next', ...reporters], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const counts = existsSync(report)
    ? count(JSON.parse(readFileSync(report, 'utf8')))
    : { passed: 0, failed: 0 };
  rmSync(folder, { recursive: true, force: true });
  // A run that fails without a failed test: an error outside of any, or no report at all.
  return status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function count(report) {
  const skipped = report.numPendingTests + report.numTodoTests;
  if (skipped > 0) console.log(`${skipped} tests were skipped; a test that does not run shows nothing.`);
  // A file that cannot be loaded has no tests to count.
  const unloadable = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + skipped + unloadable.length };
}
