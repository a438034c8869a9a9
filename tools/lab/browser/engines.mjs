// The browsers that the lab knows. Each engine launches a browser and returns
//
//   { version, open(console) -> page, close() }
//
// where console(type, text) is called for what a page logs, and a page has goto, eval, click, fill, press, texts, screenshot
// and close. Selectors are CSS, `text=...` or `role=button[name="Join"]`.
//
// An engine's params:
//
//   executable           path of the browser
//   profile              a folder of its own, empty
//   scripts              run before any of a page's own
//   secure               origins that count as secure though they are http
//   camera               picture file for the camera, '' for the browser's own fake; Chromium only
//   viewport             { width, height }
//   args                 more command line arguments
import { chromium } from './chromium.mjs';
import { firefox } from './firefox.mjs';

export const engines = { chromium, firefox };
