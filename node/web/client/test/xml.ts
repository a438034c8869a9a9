/** Parses a stanza as the browser would. */
import { DOMParser } from '@xmldom/xmldom';

export function parseXml(text: string): Element {
  const parsed = new DOMParser().parseFromString(text, 'text/xml').documentElement;
  if (!parsed) throw new Error('no element');
  return parsed as unknown as Element;
}
