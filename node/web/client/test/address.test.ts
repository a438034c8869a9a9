import { expect, test } from 'vitest';
import { hashParameters, roomNode, roomOfPath, roomTitle } from '../src/settings/address';

test('the room is the last segment of the path in lower case', () => {
  expect(roomOfPath('/')).toBe('');
  expect(roomOfPath('/Demo')).toBe('demo');
  expect(roomOfPath('/tenant/Demo/')).toBe('demo');
});

test('a room name becomes a node that a JID can carry, and back', () => {
  expect(roomOfPath('/My%20Room')).toBe('my%20room');
  expect(roomNode('Größe @ /')).toBe('gr%c3%b6%c3%9fe%20%40%20%2f');
  expect(roomTitle('my%20room')).toBe('my room');
  expect(roomOfPath('/100%')).toBe('100%25');
  expect(roomNode('a\uD800b')).toBe('a%ef%bf%bdb');
});

test('hash values are JSON or bare', () => {
  const hash = hashParameters(
    '#config.startWithAudioMuted=true&userInfo.displayName=%22Ann%20%26%20Bo%22&config.subject=Plain%20words&x&=1',
  );
  expect(Object.fromEntries(hash)).toEqual({
    'config.startWithAudioMuted': true,
    'userInfo.displayName': 'Ann & Bo',
    'config.subject': 'Plain words',
  });
});
