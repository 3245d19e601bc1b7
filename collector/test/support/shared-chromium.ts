/** One Chromium for all browser tests of a run; each test has contexts of its own in it, as visitors have browsers. */
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { serveChromium } from './chromium';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the Chromium of the run is told what to do. */
    chromium: string;
  }
}

/** Names below these lead to this machine: .test is nobody's (RFC 6761), below the others strangers have names. */
const HOSTS = ['*.test', '*.co.uk', '*.github.io'];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await serveChromium({
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [`--host-resolver-rules=${HOSTS.map((host) => `MAP ${host} 127.0.0.1`).join(',')}`],
  });
  project.provide('chromium', server.wsEndpoint());
  return () => server.close();
}

/** Closing it closes what was opened through it, and leaves it to the others. */
export async function openChromium(): Promise<Browser> {
  return chromium.connect(inject('chromium'));
}
