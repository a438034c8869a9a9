import { expect, test } from 'vitest';
import { readConfig } from '../src/settings/config';

const here = new URL('https://meet.example/demo');

test('without config.js everything is derived from the address', () => {
  expect(readConfig(undefined, new Map(), here)).toEqual({
    hosts: { domain: 'meet.example', muc: 'conference.meet.example', focus: 'focus.meet.example' },
    websocket: 'wss://meet.example/xmpp-websocket',
    conferenceRequestUrl: '',
    prejoin: true,
    startWithAudioMuted: false,
    startWithVideoMuted: false,
    resolution: 720,
    subject: '',
  });
});

test('a link overrides what concerns the person, never where the page connects to', () => {
  const base = { hosts: { domain: 'a.example' }, websocket: 'ws://a.example:8080/xmpp-websocket', prejoinConfig: { enabled: true } };
  const hash = new Map<string, unknown>([
    ['config.prejoinConfig.enabled', false],
    ['config.startWithVideoMuted', true],
    ['config.websocket', 'wss://evil.example/'],
    ['config.hosts.domain', 'evil.example'],
    ['config.resolution', 'huge'],
  ]);
  const config = readConfig(base, hash, here);
  expect(config.websocket).toBe('ws://a.example:8080/xmpp-websocket');
  expect(config.hosts.domain).toBe('a.example');
  expect(config.prejoin).toBe(false);
  expect(config.startWithVideoMuted).toBe(true);
  expect(config.resolution).toBe(720);
});
