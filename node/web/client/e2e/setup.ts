/**
 * Starts what all tests share: the node of the binary that ATOLL_BIN names, on free ports and with a data folder of its
 * own, and a Chromium (ATOLL_CHROMIUM, else /usr/bin/chromium).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** where the node serves the page */
    origin: string;
    /** endpoint of the browser */
    browser: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binary = process.env['ATOLL_BIN'];
  if (!binary) throw new Error('ATOLL_BIN must name the binary of a node');
  const data = await mkdtemp(join(tmpdir(), 'atoll-e2e-'));
  const [http, media] = await Promise.all([freePort(), freePort()]);
  const node = spawn(
    binary,
    ['run', '--http', `127.0.0.1:${http}`, '--media', `:${media}`, '--admin', 'off', '--turn', 'off', '--mesh', 'off', '--data', data],
    { stdio: ['ignore', 'ignore', 'inherit'], env: plain(process.env) },
  );
  const origin = `http://localhost:${http}`;
  await healthy(`${origin}/about/health`);
  const browser = await chromium.launchServer({
    executablePath: process.env['ATOLL_CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      '--disable-renderer-backgrounding',
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
    ],
  });
  project.provide('origin', origin);
  project.provide('browser', browser.wsEndpoint());
  return async () => {
    await browser.close();
    node.kill();
    if (node.exitCode === null) await once(node, 'exit');
    await rm(data, { recursive: true, force: true });
  };
}

/** The environment without what nodes take as their settings. */
function plain(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('ATOLL_')));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function healthy(url: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch (error) {
      if (attempt === 100) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
