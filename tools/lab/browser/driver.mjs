// Drives one browser for the lab: requests come as JSON lines on standard input, answers and events leave as JSON lines on
// standard output, anything else goes to standard error.
//
//   request   {"id": 1, "method": "open", "params": {...}}
//   answer    {"id": 1, "result": ...}  or  {"id": 1, "error": "what happened"}
//   event     {"event": "console", "page": "p1", "type": "error", "text": "..."}
//
// Requests run side by side and are answered when they are done. The browser ends when standard input does.
import readline from 'node:readline';
import { engines } from './engines.mjs';

const write = (message) => process.stdout.write(JSON.stringify(message) + '\n');

let browser;
let opened = 0;
const pages = new Map();

function page(id) {
  const found = pages.get(id);
  if (!found) throw new Error(`no page ${id}`);
  return found;
}

const methods = {
  async launch(params) {
    const engine = engines[params.engine];
    if (!engine) throw new Error(`no engine ${params.engine}: there is ${Object.keys(engines)}`);
    browser = await engine(params);
    return { version: browser.version };
  },
  async open({ url, timeout }) {
    const id = `p${++opened}`;
    pages.set(id, await browser.open((type, text) => write({ event: 'console', page: id, type, text })));
    await page(id).goto(url, timeout);
    return { page: id };
  },
  goto: ({ page: id, url, timeout }) => page(id).goto(url, timeout),
  eval: ({ page: id, expression }) => page(id).eval(expression),
  click: ({ page: id, selector, timeout }) => page(id).click(selector, timeout),
  fill: ({ page: id, selector, text, timeout }) => page(id).fill(selector, text, timeout),
  press: ({ page: id, selector, key, timeout }) => page(id).press(selector, key, timeout),
  texts: ({ page: id, selector }) => page(id).texts(selector),
  screenshot: ({ page: id, path }) => page(id).screenshot(path),
  async closePage({ page: id }) {
    await page(id).close();
    pages.delete(id);
  },
};

async function end() {
  try {
    await browser?.close();
  } finally {
    process.exit(0);
  }
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line);
  try {
    if (!Object.hasOwn(methods, method)) throw new Error(`no method ${method}`);
    write({ id, result: (await methods[method](params ?? {})) ?? null });
  } catch (error) {
    write({ id, error: String(error?.message ?? error) });
  }
}).on('close', end);
process.on('SIGTERM', end);
