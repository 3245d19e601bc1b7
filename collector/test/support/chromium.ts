import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserServer, LaunchOptions } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Where installers put a browser that is not in the PATH. */
const WELL_KNOWN = [
  '/snap/bin/chromium',
  '/opt/google/chrome/chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

/** Tests talk to servers of their own only: nothing else may be on the wire, or slow a start. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not to be run: the next one.
    return false;
  }
}

/** The browser's path, or undefined where this machine has none. */
export function findChromium(): string | undefined {
  const named = process.env.THROUGHLINE_CHROMIUM;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const inPath = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...inPath, ...WELL_KNOWN].find(isExecutable);
}

function needChromium(): string {
  const path = findChromium();
  if (path) return path;
  throw new Error(
    'Browser tests need a Chromium: `apt-get install chromium`, or set THROUGHLINE_CHROMIUM to its path.',
  );
}

/** The sandbox refuses to run as root. */
const SANDBOX = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

function launchOptions(options: LaunchOptions): LaunchOptions {
  return {
    executablePath: needChromium(),
    ...options,
    args: [...QUIET, ...SANDBOX, ...(options.args ?? [])],
  };
}

/**
 * Starts a Chromium; close it when done.
 *
 * @throws Error that says what to install where there is none
 */
export async function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch(launchOptions(options));
}

/** The same for many who connect to it. */
export async function serveChromium(options: LaunchOptions = {}): Promise<BrowserServer> {
  return chromium.launchServer(launchOptions(options));
}

/** Starts a Chromium that keeps its data in this folder, as a visitor's does. */
export async function launchChromiumProfile(folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, launchOptions({}));
}

/** The same with an unpacked extension in it, which only a whole browser runs, not the headless shell. */
export async function launchExtension(folder: string, extension: string): Promise<BrowserContext> {
  const options = launchOptions({
    args: [
      '--headless=new',
      `--disable-extensions-except=${extension}`,
      `--load-extension=${extension}`,
      // Later versions take no extensions from the command line unless they are told to.
      '--disable-features=DisableLoadExtensionCommandLineSwitch',
    ],
  });
  return chromium.launchPersistentContext(folder, {
    ...options,
    headless: false,
    ignoreDefaultArgs: ['--disable-extensions'],
  });
}

/**
 * A Chromium on this page that nobody watches: what a debugger switches off, such as pages that are rendered in
 * advance, happens there. Returns what ends it.
 */
export function openUnwatched(url: string): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-browser-'));
  const args = [...QUIET, ...SANDBOX, '--headless=new', `--user-data-dir=${folder}`, url];
  const child = spawn(needChromium(), args, { stdio: 'ignore', detached: true });
  const gone = once(child, 'exit');
  return async () => {
    // All of its processes: one that outlives the first would go on writing into the folder.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await gone;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}
