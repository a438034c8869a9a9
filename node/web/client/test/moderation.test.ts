import { expect, test } from 'vitest';
import { answerTo } from '../src/meeting/requests';
import { grantIq, kickIq, muteIq } from '../src/xmpp/moderation';
import { attribute, child, namespace, serialize, text } from '../src/xmpp/xml';
import { parseXml } from './xml';

const ROOM = 'r@conference.example';

test('muting is asked of the focus, kicks and grants of the room', () => {
  const mute = parseXml(serialize(muteIq(`${ROOM}/focus`, 'aaaaaaaa', 'video')));
  expect(attribute(mute, 'to')).toBe(`${ROOM}/focus`);
  const wish = child(mute, 'mute')!;
  expect([namespace(wish), attribute(wish, 'jid'), text(wish)]).toEqual([
    'http://jitsi.org/jitmeet/video',
    `${ROOM}/aaaaaaaa`,
    'true',
  ]);
  const item = (iq: Element) => child(child(parseXml(serialize(iq)), 'query', 'http://jabber.org/protocol/muc#admin')!, 'item')!;
  const kicked = item(kickIq(ROOM, 'aaaaaaaa'));
  expect([attribute(kicked, 'nick'), attribute(kicked, 'role')]).toEqual(['aaaaaaaa', 'none']);
  const granted = item(grantIq(ROOM, 'aaaaaaaa', 'a@example/r'));
  expect([attribute(granted, 'jid'), attribute(granted, 'affiliation')]).toEqual(['a@example', 'owner']);
  expect(attribute(item(grantIq(ROOM, 'aaaaaaaa', '')), 'nick')).toBe('aaaaaaaa');
});

const heard: string[] = [];
const ask = (inner: string, from = `${ROOM}/focus`, type = 'set') => {
  heard.length = 0;
  const iq = parseXml(`<iq xmlns="jabber:client" from="${from}" to="me@example/r" id="1" type="${type}">${inner}</iq>`);
  const reply = answerTo(iq, ROOM, {
    jingle: (request) => {
      heard.push('jingle');
      return request;
    },
    muted: (what, actor) => heard.push(`${what} ${actor}`),
  });
  return reply && attribute(reply, 'type');
};

test('the focus mutes us, nobody else does', () => {
  const mute = `<mute xmlns="http://jitsi.org/jitmeet/desktop" actor="${ROOM}/aaaaaaaa">true</mute>`;
  expect(ask(mute)).toBe('result');
  expect(heard).toEqual([`screen ${ROOM}/aaaaaaaa`]);
  expect(ask(mute, `${ROOM}/aaaaaaaa`)).toBe('error');
  expect(heard).toEqual([]);
  expect(ask(mute.replace('true', 'false'))).toBe('result');
  expect(heard).toEqual([]);
});

test('sessions come from the focus of our room only', () => {
  const jingle = '<jingle xmlns="urn:xmpp:jingle:1" action="session-initiate"/>';
  ask(jingle);
  expect(heard).toEqual(['jingle']);
  expect(ask(jingle, 'other@conference.example/focus')).toBe('error');
  expect(heard).toEqual([]);
});

test('every request is answered, an answer is not', () => {
  expect(ask('<ping xmlns="urn:xmpp:ping"/>', ROOM, 'get')).toBe('result');
  expect(ask('<query xmlns="http://jabber.org/protocol/disco#info"/>', ROOM, 'get')).toBe('result');
  expect(ask('<what xmlns="ever"/>', 'x@example', 'get')).toBe('error');
  expect(ask('', ROOM, 'result')).toBeUndefined();
});
