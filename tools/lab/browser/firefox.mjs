// Firefox by Puppeteer, over WebDriver BiDi: its socket listens on the loopback of the namespace that both run in.
import puppeteer from 'puppeteer-core';

const prefs = {
  // No questions, no sound that waits for a click.
  'media.navigator.permission.disabled': true,
  'media.navigator.streams.fake': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  // On a machine without a sound device an AudioContext waits for one for ever; this way the system's clock drives it.
  'media.cubeb.force_mock_context': true,
  // Host candidates with their addresses.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // The lab reaches nobody outside: do not try.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  // Timers and painting at full speed, whatever the window.
  'dom.min_background_timeout_value': 4,
  'widget.windows.window_occlusion_tracking.enabled': false,
};

export async function firefox({ executable, args, profile, scripts, secure, viewport }) {
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: executable, headless: true, args, userDataDir: profile, acceptInsecureCerts: true,
    defaultViewport: viewport, protocolTimeout: 120_000,
    extraPrefsFirefox: {
      ...prefs,
      // Hosts, as Firefox wants them: an IPv6 address without brackets.
      'dom.securecontext.allowlist': secure.map((origin) => new URL(origin).hostname.replace(/^\[|\]$/g, '')).join(','),
    },
  });
  return {
    version: await browser.version(),
    open: (console) => open(browser, scripts, console),
    close: () => browser.close(),
  };
}

async function open(browser, scripts, console) {
  const page = await browser.newPage();
  page.on('console', (message) => console(message.type() === 'warn' ? 'warning' : message.type(), message.text()));
  page.on('pageerror', (error) => console('exception', String(error?.stack ?? error)));
  for (const script of scripts) await page.evaluateOnNewDocument(script);
  const first = (selector, timeout) => page.locator(translated(selector)).setTimeout(timeout);
  return {
    goto: async (url, timeout) => void (await page.goto(url, { timeout, waitUntil: 'load' })),
    // As text, because BiDi describes every value of a large object.
    eval: async (expression) => {
      const text = await page.evaluate(`(async () => JSON.stringify(await (${expression})))()`);
      return text === undefined ? undefined : JSON.parse(text);
    },
    click: (selector, timeout) => first(selector, timeout).click(),
    fill: (selector, text, timeout) => first(selector, timeout).fill(text),
    async press(selector, key, timeout) {
      const element = await first(selector, timeout).waitHandle();
      await element.focus();
      const keys = key.split('+');
      for (const held of keys) await page.keyboard.down(held);
      for (const held of keys.reverse()) await page.keyboard.up(held);
    },
    texts: (selector) => page.$$eval(translated(selector), (found) => found.map((element) => element.innerText)),
    screenshot: async (path) => void (await page.screenshot({ path })),
    close: () => page.close(),
  };
}

/** Puppeteer's way to write a selector. */
function translated(selector) {
  const role = /^role=([a-z]+)\[name="(.*)"\]$/.exec(selector);
  if (role) return `::-p-aria([name="${role[2]}"][role="${role[1]}"])`;
  if (selector.startsWith('text=')) return `::-p-text(${selector.slice(5)})`;
  return selector;
}
