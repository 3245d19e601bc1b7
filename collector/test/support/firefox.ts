import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const NAMES = ['firefox', 'firefox-esr'];

/** It asks nobody and tells nobody. */
const PREFERENCES = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.sessionstore.resume_from_crash': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  // Pages close their tabs, and each has a process of its own, which ends with its tab.
  'dom.allow_scripts_to_close_windows': true,
  'dom.ipc.processCount.webIsolated': 8,
  'extensions.systemAddon.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'trailhead.firstrun.didSeeAboutWelcome': true,
};

/** The browser's path, or undefined where this machine has none. */
export function findFirefox(): string | undefined {
  const named = process.env.THROUGHLINE_FIREFOX;
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        // Not there, or not to be run: the next one.
        return false;
      }
    });
}

/**
 * A Firefox with these pages in tabs, which nobody watches: drivers that speak to one version do not speak to the next,
 * and pages can do by themselves what has to be done. Returns what ends its processes without a word.
 */
export async function openFirefox(
  path: string,
  folder: string,
  urls: readonly string[],
): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  await writeFile(join(folder, 'user.js'), lines.join('\n'));
  const args = ['--headless', '--no-remote', '--profile', folder, ...urls];
  // Its own group, for what it starts goes with it.
  const child = spawn(path, args, { stdio: 'ignore', detached: true });
  const gone = once(child, 'exit');
  return async () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    await gone;
  };
}
