import { expect, test } from 'vitest';
import { attribute, errorCondition, parse, serialize, text, x } from '../src/xmpp/xml';
import { parseXml } from './xml';

test('what is written is read as it was, whatever is in it', () => {
  const value = `<&>"' \t\n\r \u{1F30A} ]]>`;
  const read = parseXml(serialize(x('a', { xmlns: 'urn:a', b: value, none: undefined }, x('c', {}, value), x('d', {}))));
  expect(attribute(read, 'b')).toBe(value);
  expect(read.hasAttribute('none')).toBe(false);
  expect(text(read)).toBe(value);
  expect(read.namespaceURI).toBe('urn:a');
});

test('what XML cannot carry is left out', () => {
  expect(serialize(x('a', { b: '1\u0000\uD800\uFFFE2' }, '\u0007\uDFFFx'))).toBe('<a b="12">x</a>');
});

test('prefixed names of streams are read', () => {
  expect(parse('<stream:features xmlns:stream="s"/>')?.nodeName).toBe('stream:features');
});

test('conditions of errors', () => {
  const stanzas = 'urn:ietf:params:xml:ns:xmpp-stanzas';
  expect(errorCondition(parseXml(`<iq><error><text xmlns="${stanzas}">no</text><conflict xmlns="${stanzas}"/></error></iq>`))).toBe('conflict');
  expect(errorCondition(parseXml('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>'))).toBe('not-authorized');
  expect(errorCondition(parseXml('<iq/>'))).toBe('');
});
