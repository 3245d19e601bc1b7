/** The package where there is no page: in a module worker, and in the service worker of an extension. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Worker } from 'playwright-core';
import { type Api, openApi, REAL_CLOCK } from '../support/api';
import { bundleCode } from '../support/bundle';
import { launchExtension } from '../support/chromium';
import { openChromium } from '../support/shared-chromium';
import { openSite } from '../support/site';

const PATIENCE = { timeout: 60_000, interval: 50 };

let api: Api;
let folder: string;
beforeAll(async () => {
  api = await openApi({ clock: REAL_CLOCK });
  folder = await mkdtemp(join(tmpdir(), 'throughline-workers-'));
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const start = (more = ''): string => `
  import { createTracker } from '@throughline/sdk';
  ${more}
  self.tracker = createTracker({
    writeKey: '${api.writeKey}', host: '${api.url}', flushAfterMs: 0, ${more === '' ? '' : 'storage,'}
  });`;

/** What is stored of an anonymous visitor, oldest first. */
async function arrived(anonymousId: string): Promise<readonly string[]> {
  const { status, body } = await api.get(`/v1/profiles/anonymous:${anonymousId}/timeline?order=oldest`);
  return status === 404 ? [] : (body.data as { event: string }[]).map(({ event }) => event);
}

test('in a module worker it sends what is recorded there, under one visitor', async () => {
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Shop</title>');
  await writeFile(
    join(folder, 'worker.js'),
    await bundleCode(
      `${start()}
       tracker.track('Computed', { big: 1n });
       tracker.track('Done').then((receipt) => postMessage([tracker.anonymousId(), receipt.status]));`,
      'es',
    ),
  );
  const site = await openSite({ folder });
  const browser = await openChromium();
  const page = await browser.newPage();
  await page.goto(site.url);
  const [id, status] = await page.evaluate(
    () =>
      new Promise<readonly [string, string]>((resolve, reject) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }: MessageEvent<readonly [string, string]>) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      }),
  );
  expect(status).toBe('accepted');
  expect(await arrived(id)).toEqual(['Computed', 'Done']);
  await browser.close();
  await site.close();
});

test('in an extension’s service worker it keeps the visitor where it is told, also when the browser starts again', async () => {
  const extension = join(folder, 'extension');
  await mkdir(extension);
  const manifest = {
    ...{ manifest_version: 3, name: 'Shop', version: '1', permissions: ['storage'] },
    background: { service_worker: 'worker.js', type: 'module' },
  };
  await writeFile(join(extension, 'manifest.json'), JSON.stringify(manifest));
  const storage = `
    const area = chrome.storage.local;
    const storage = {
      getItem: async (key) => (await area.get(key))[key],
      setItem: (key, value) => area.set({ [key]: value }),
      removeItem: (key) => area.remove(key),
    };`;
  const code = `${start(storage)} tracker.track('Started');`;
  await writeFile(join(extension, 'worker.js'), await bundleCode(code, 'es'));

  const visit = async (act: (worker: Worker) => Promise<unknown>) => {
    const context = await launchExtension(join(folder, 'profile'), extension);
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
    const id = await worker.evaluate('tracker.ready.then(() => tracker.anonymousId())');
    await act(worker);
    await context.close();
    return String(id);
  };
  const id = await visit((worker) => worker.evaluate(`tracker.identify('u1', { plan: 'pro' })`));
  await vi.waitFor(async () => expect(await arrived(id)).toEqual(['Started', null]), PATIENCE);
  const again = await visit((worker) => worker.evaluate(`tracker.track('Used')`));
  expect(again).toBe(id);
  await vi.waitFor(
    async () => expect(await arrived(id)).toEqual(['Started', null, 'Started', 'Used']),
    PATIENCE,
  );
});
