// Chromium by Playwright, over pipes.
import { chromium as playwright } from 'playwright-core';

// For a browser that talks to nobody but the lab, and whose pages never count as being in the background.
const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--disable-features=WebRtcHideLocalIpsWithMdns', '--ignore-certificate-errors',
];

export async function chromium({ executable, args, profile, scripts, secure, camera, viewport }) {
  const all = [...flags, ...args];
  if (secure.length > 0) all.push(`--unsafely-treat-insecure-origin-as-secure=${secure.join(',')}`);
  if (camera) all.push(`--use-file-for-fake-video-capture=${camera}`);
  const context = await playwright.launchPersistentContext(profile, {
    executablePath: executable, headless: true, args: all, viewport,
  });
  for (const content of scripts) await context.addInitScript({ content });
  return {
    version: `chromium/${context.browser()?.version() ?? ''}`,
    open: (console) => open(context, console),
    close: () => context.close(),
  };
}

async function open(context, console) {
  const page = await context.newPage();
  // Straight to the protocol: a page's content security policy may forbid what page.evaluate does with strings.
  const session = await context.newCDPSession(page);
  page.on('console', (message) => console(message.type(), message.text()));
  page.on('pageerror', (error) => console('exception', String(error?.stack ?? error)));
  page.on('crash', () => console('crash', 'the page crashed'));
  return {
    goto: async (url, timeout) => void (await page.goto(url, { timeout, waitUntil: 'load' })),
    eval: async (expression) => {
      const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
        expression, awaitPromise: true, returnByValue: true, userGesture: true, allowUnsafeEvalBlockedByCSP: true,
      });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    click: (selector, timeout) => page.locator(selector).first().click({ timeout }),
    fill: (selector, text, timeout) => page.locator(selector).first().fill(text, { timeout }),
    press: (selector, key, timeout) => page.locator(selector).first().press(key, { timeout }),
    texts: (selector) => page.locator(selector).allInnerTexts(),
    screenshot: async (path) => void (await page.screenshot({ path })),
    close: () => page.close(),
  };
}
