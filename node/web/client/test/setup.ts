/** What the browser has and Node.js has not. */
import { DOMParser } from '@xmldom/xmldom';

Object.assign(globalThis, { DOMParser });
