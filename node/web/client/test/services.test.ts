import { expect, test } from 'vitest';
import { explainUnreachable } from '../src/meeting/unreachable';
import { readServices } from '../src/xmpp/services';
import { parseXml } from './xml';

function services(...all: string[]): RTCIceServer[] {
  return readServices(
    parseXml(`<iq xmlns="jabber:client" type="result"><services xmlns="urn:xmpp:extdisco:2">${all.join('')}</services></iq>`),
  );
}

function service(type: string, host: string, port: number, transport: string, credential = 'username="u" password="p"'): string {
  return `<service xmlns="urn:xmpp:extdisco:2" type="${type}" host="${host}" port="${port}" transport="${transport}" ${credential}/>`;
}

test('ways with one credential are one server, in the order of the server', () => {
  expect(
    services(
      service('turn', '192.0.2.1', 3478, 'udp'),
      service('turn', '2001:db8::1', 3478, 'tcp'),
      service('turns', 'a.meet.test', 443, 'tcp'),
      service('stun', '192.0.2.1', 3478, 'udp', ''),
    ),
  ).toEqual([
    {
      urls: ['turn:192.0.2.1:3478?transport=udp', 'turn:[2001:db8::1]:3478?transport=tcp', 'turns:a.meet.test:443?transport=tcp'],
      username: 'u',
      credential: 'p',
    },
  ]);
});

test('another credential is another server, and there is an end of them', () => {
  const two = services(service('turn', 'a', 1, 'udp'), service('turn', 'b', 2, 'tcp', 'username="v" password="q"'));
  expect(two.map(({ urls, username }) => [urls, username])).toEqual([
    [['turn:a:1?transport=udp'], 'u'],
    [['turn:b:2?transport=tcp'], 'v'],
  ]);
  const many = services(...Array.from({ length: 50 }, (_, k) => service('turn', `h${k}`, 1, 'udp')));
  expect(many.flatMap(({ urls }) => urls)).toHaveLength(10);
});

test('a server without relays says so', () => {
  expect(services()).toEqual([]);
  expect(services(service('stun', 'a', 1, 'udp', ''))).toEqual([]);
});

test('what is said when nothing comes through', () => {
  expect(explainUnreachable(false, false)).toContain('block UDP, and this server offers no relay');
  expect(explainUnreachable(true, false)).toContain('none of the server');
  expect(explainUnreachable(true, true)).toContain('not even over');
});
