/** Elements: building and writing without string concatenation, parsing, and reading by name and namespace. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

let factory: Document | undefined;

/** Builds an element; attributes that are undefined are left out, xmlns is an attribute like any other. */
export function x(name: string, attributes: Attributes, ...content: (Element | string | undefined)[]): Element {
  factory ??= new DOMParser().parseFromString('<x/>', 'text/xml');
  const made = factory.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, String(value));
  }
  for (const part of content) {
    if (part === undefined) continue;
    made.appendChild(typeof part === 'string' ? factory.createTextNode(part) : part);
  }
  return made;
}

/** The element as text: its attributes as they are, none added. */
export function serialize(element: Element): string {
  let written = `<${element.nodeName}`;
  for (const { name, value } of Array.from(element.attributes)) written += ` ${name}="${escaped(value)}"`;
  if (!element.firstChild) return `${written}/>`;
  written += '>';
  for (let node: ChildNode | null = element.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1) written += serialize(node as Element);
    else if (node.nodeType === 3 || node.nodeType === 4) written += escaped(node.nodeValue ?? '');
  }
  return `${written}</${element.nodeName}>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

/** What XML cannot carry is left out: control characters and halves of surrogate pairs. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"\t\n\r]/g, (letter) => ESCAPES[letter]!);
}

/** @returns the element of a text; undefined when it is not well-formed */
export function parse(text: string): Element | undefined {
  const { documentElement } = new DOMParser().parseFromString(text, 'text/xml');
  return documentElement && documentElement.getElementsByTagName('parsererror').length === 0 &&
    documentElement.nodeName !== 'parsererror'
    ? documentElement
    : undefined;
}

export function namespace(element: Element): string {
  return element.getAttribute('xmlns') ?? element.namespaceURI ?? '';
}

/** The element children of that name and, when given, that namespace. */
export function children(parent: Element, name: string, space?: string): Element[] {
  return elements(parent).filter(
    (element) => localName(element) === name && (space === undefined || namespace(element) === space),
  );
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

/** The condition in an error, e.g. `not-authorized`: of an error stanza, or of the element that holds it itself. */
export function errorCondition(stanza: Element): string {
  const error = child(stanza, 'error') ?? stanza;
  const condition = elements(error).find((element) => localName(element) !== 'text');
  return condition ? localName(condition) : '';
}

function elements(parent: Element): Element[] {
  const found: Element[] = [];
  for (let node: ChildNode | null = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === 1) found.push(node as Element);
  }
  return found;
}

function localName(element: Element): string {
  return element.localName ?? element.nodeName;
}
