import { expect, test } from 'vitest';
import {
  chatMessage,
  isMuted,
  isSharing,
  ownPresence,
  privateMessage,
  readMessage,
  readPresence,
  readSourceInfo,
} from '../src/xmpp/muc';
import { attribute, child, serialize, text } from '../src/xmpp/xml';
import { parseXml } from './xml';

test('own presence survives every name', () => {
  const displayName = `<b a='1'>&amp; "Ann" ]]>`;
  const presence = ownPresence({
    room: 'r@conference.example',
    nick: '05cf9031',
    displayName,
    sources: { '05cf9031-a0': { muted: true } },
    codecs: ['vp8', 'av1'],
    join: true,
    password: '<&>',
  });
  const read = parseXml(serialize(presence));
  expect(text(child(read, 'nick', 'http://jabber.org/protocol/nick'))).toBe(displayName);
  expect(JSON.parse(text(child(read, 'SourceInfo')))).toEqual({ '05cf9031-a0': { muted: true } });
  const join = child(read, 'x', 'http://jabber.org/protocol/muc')!;
  expect(text(child(join, 'password'))).toBe('<&>');
  expect(text(child(read, 'jitsi_participant_codecList'))).toBe('vp8,av1');
  expect(child(read, 'c', 'http://jabber.org/protocol/caps')).toBeDefined();
});

test('chat survives every text', () => {
  const body = 'a < b && c > "d"\n\t<script>alert(1)</script> \u{1F30A}';
  const read = parseXml(serialize(chatMessage('r@conference.example', 'i', body)));
  expect(readMessage(read)).toMatchObject({ kind: 'chat', body });
});

test('a private message goes to one occupant', () => {
  const read = parseXml(serialize(privateMessage('r@conference.example', 'aaaaaaaa', 'i', 'psst')));
  expect([attribute(read, 'to'), attribute(read, 'type')]).toEqual(['r@conference.example/aaaaaaaa', 'chat']);
});

test('presence of another participant', () => {
  const presence = readPresence(
    parseXml(`<presence xmlns="jabber:client" from="r@conference.example/aaaaaaaa">
      <x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner" role="moderator" jid="a@example/r"/></x>
      <nick xmlns="http://jabber.org/protocol/nick"> Ann </nick>
      <SourceInfo>{"aaaaaaaa-a0":{"muted":true},"aaaaaaaa-v0":{"muted":false},"aaaaaaaa-v1":{"muted":false,"videoType":"desktop"}}</SourceInfo>
    </presence>`),
  );
  expect(presence).toMatchObject({ nick: 'aaaaaaaa', type: 'available', self: false, moderator: true, displayName: 'Ann' });
  expect(presence.jid).toBe('a@example/r');
  expect(isSharing(presence.sources)).toBe(true);
  expect(isMuted(presence.sources, 'a')).toBe(true);
  expect(isMuted(presence.sources, 'v')).toBe(false);
});

test('a kick and a refusal', () => {
  const kick = readPresence(
    parseXml(`<presence xmlns="jabber:client" type="unavailable" from="r@c/aaaaaaaa">
      <x xmlns="http://jabber.org/protocol/muc#user"><item role="none"><reason>noise</reason></item><status code="110"/><status code="307"/></x>
    </presence>`),
  );
  expect(kick).toMatchObject({ type: 'unavailable', self: true, statuses: ['110', '307'], reason: 'noise' });
  const refused = readPresence(
    parseXml(`<presence xmlns="jabber:client" type="error" from="r@c/aaaaaaaa">
      <error type="auth"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`),
  );
  expect(refused).toMatchObject({ type: 'error', condition: 'not-authorized' });
});

test('SourceInfo of anybody is taken without trust', () => {
  expect(readSourceInfo('')).toEqual({});
  expect(readSourceInfo('[]')).toEqual({});
  expect(readSourceInfo('{"a-a0":1,"a-a1":{"muted":"yes","videoType":3}}')).toEqual({ 'a-a1': { muted: false } });
  expect(isMuted(readSourceInfo('{}'), 'v')).toBe(true);
  expect(isSharing(readSourceInfo('{"a-v1":{"muted":true,"videoType":"desktop"},"a-v0":{"muted":false}}'))).toBe(false);
  expect(isMuted(readSourceInfo('{"a-v1":{"muted":false,"videoType":"desktop"}}'), 'v')).toBe(true);
});

test('a subject is no chat line, and nothing without a body is', () => {
  const of = (inner: string, type = 'groupchat') =>
    readMessage(parseXml(`<message xmlns="jabber:client" type="${type}" from="r@c/aaaaaaaa">${inner}</message>`));
  expect(of('<subject>Plans</subject>')).toMatchObject({ kind: 'subject', body: 'Plans' });
  expect(of('<json-message xmlns="http://jitsi.org/jitmeet">{}</json-message>')).toBeUndefined();
  expect(of('<body>psst</body>', 'chat')).toMatchObject({ kind: 'private' });
  expect(of('<body>x</body>', 'error')).toBeUndefined();
});
