import { beforeEach, expect, test } from 'vitest';
import { Conversation } from '../src/meeting/conversation';
import { State } from '../src/meeting/state';
import { attribute, child, text } from '../src/xmpp/xml';
import { parseXml } from './xml';

const ROOM = 'r@conference.example';
let state: State;
let sent: Element[];
let conversation: Conversation;

const start = (subject = '') => {
  state = new State();
  state.endpoint.value = 'aaaaaaaa';
  state.displayName.value = 'Ann';
  sent = [];
  conversation = new Conversation(state, ROOM, subject, (stanza) => sent.push(stanza));
};
const comes = (inner: string, type = 'groupchat', nick = 'bbbbbbbb') =>
  conversation.take(parseXml(`<message xmlns="jabber:client" type="${type}" from="${ROOM}/${nick}">${inner}</message>`));

beforeEach(() => start());

test('what is said to all is shown when the room sends it back', () => {
  conversation.say('hello', '');
  expect([attribute(sent[0]!, 'to'), attribute(sent[0]!, 'type')]).toEqual([ROOM, 'groupchat']);
  expect(state.chat.value).toEqual([]);
  comes('<body>hello</body>', 'groupchat', 'aaaaaaaa');
  expect(state.chat.value[0]).toMatchObject({ own: true, private: false, to: '', name: 'Ann', body: 'hello' });
});

test('what is said to one goes to nobody else and is shown at once', () => {
  conversation.say('psst', 'bbbbbbbb');
  expect(sent.map((stanza) => [attribute(stanza, 'to'), attribute(stanza, 'type')])).toEqual([[`${ROOM}/bbbbbbbb`, 'chat']]);
  expect(state.chat.value[0]).toMatchObject({ own: true, private: true, to: 'bbbbbbbb', body: 'psst' });
});

test('a private message that comes is marked', () => {
  comes('<body>for you</body>', 'chat');
  expect(state.chat.value[0]).toMatchObject({ own: false, private: true, to: '', from: 'bbbbbbbb' });
});

test('nothing is said with nothing', () => {
  conversation.say(' \n', '');
  expect(sent).toEqual([]);
});

test('a room without a subject gets ours from a moderator, and is shown with it by everybody', () => {
  start('Plan B');
  expect(state.subject.value).toBe('Plan B');
  comes('<subject/>');
  expect([state.subject.value, sent.length]).toEqual(['Plan B', 0]);
  state.moderator.value = true;
  comes('<subject/>');
  expect(text(child(sent[0]!, 'subject'))).toBe('Plan B');
  comes('<subject>Plan C</subject>');
  expect([state.subject.value, sent.length]).toEqual(['Plan C', 1]);
});
