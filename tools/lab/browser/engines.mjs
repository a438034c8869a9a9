// The browsers that the lab knows. Each engine launches a browser and returns
//
//   { version, open(console) -> page, close() }
//
// where console(type, text) is called for what a page logs, and a page has goto, eval, click, fill, press, texts, screenshot
// and close. Selectors are Playwright's: CSS, `text=...`, `role=button[name="Join"]`.
import { chromium as playwright } from 'playwright-core';

export const engines = { chromium };

// params: executable, args, profile (a new folder), scripts (run before any page's own)
async function chromium({ executable, args, profile, scripts }) {
  const context = await playwright.launchPersistentContext(profile, {
    executablePath: executable,
    headless: true,
    args,
    viewport: { width: 1280, height: 720 },
  });
  for (const content of scripts) await context.addInitScript({ content });
  return {
    version: context.browser()?.version() ?? 'chromium',
    open: (console) => chromiumPage(context, console),
    close: () => context.close(),
  };
}

async function chromiumPage(context, console) {
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
