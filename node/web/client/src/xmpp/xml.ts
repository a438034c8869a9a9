/** Elements: building without string concatenation, and reading by name and namespace. */
import { Strophe } from 'strophe.js';

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Builds an element; attributes that are undefined are left out, xmlns is an attribute like any other. */
export function x(name: string, attributes: Attributes, ...content: (Element | string | undefined)[]): Element {
  const made = Strophe.xmlElement(name) as Element;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, String(value));
  }
  for (const part of content) {
    if (part === undefined) continue;
    made.appendChild(typeof part === 'string' ? Strophe.xmlTextNode(part) : part);
  }
  return made;
}

export function namespace(element: Element): string {
  return element.getAttribute('xmlns') ?? element.namespaceURI ?? '';
}

/** The element children of that name and, when given, that namespace. */
export function children(parent: Element, name: string, space?: string): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType !== 1) continue;
    const element = node as Element;
    const local = element.localName ?? element.nodeName;
    if (local === name && (space === undefined || namespace(element) === space)) found.push(element);
  }
  return found;
}

export function child(parent: Element, name: string, space?: string): Element | undefined {
  return children(parent, name, space)[0];
}

export function attribute(element: Element, name: string): string {
  return element.getAttribute(name) ?? '';
}

export function text(element: Element | undefined): string {
  return element?.textContent ?? '';
}

/** The condition of an error stanza, e.g. `not-authorized`; '' when there is none. */
export function errorCondition(stanza: Element): string {
  const error = child(stanza, 'error');
  for (let node = error?.firstChild ?? null; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1 && node.nodeName !== 'text') return (node as Element).localName ?? node.nodeName;
  }
  return '';
}
