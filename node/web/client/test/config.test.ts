import { expect, test } from 'vitest';
import { readConfig } from '../src/settings/config';

const here = new URL('https://meet.example/demo');

test('without config.js everything is derived from the address', () => {
  expect(readConfig(undefined, new Map(), here)).toEqual({
    hosts: { domain: 'meet.example', muc: 'conference.meet.example', focus: 'focus.meet.example' },
    websocket: 'wss://meet.example/xmpp-websocket',
    elsewhere: [],
    codecs: ['VP8', 'VP9', 'H264', 'AV1'],
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

test('codecs are taken in the order that the node names, the rest after them', () => {
  const codecs = (codecPreferenceOrder: unknown) => readConfig({ videoQuality: { codecPreferenceOrder } }, new Map(), here).codecs;
  expect(codecs(['av1', 'VP9', 'H265', 'AV1'])).toEqual(['AV1', 'VP9', 'VP8', 'H264']);
  expect(codecs('AV1')).toEqual(['VP8', 'VP9', 'H264', 'AV1']);
  const link = new Map<string, unknown>([['config.videoQuality.codecPreferenceOrder', ['H264']]]);
  expect(readConfig({}, link, here).codecs[0]).toBe('H264');
});

test('both names of the page before joining work, in config.js and in links', () => {
  const prejoin = (base: unknown, ...hash: [string, unknown][]) => readConfig(base, new Map(hash), here).prejoin;
  expect(prejoin({ prejoinPageEnabled: false })).toBe(false);
  expect(prejoin({}, ['config.prejoinPageEnabled', false])).toBe(false);
  expect(prejoin({ prejoinConfig: { enabled: false } }, ['config.prejoinConfig.enabled', true])).toBe(true);
  expect(prejoin({}, ['config.prejoinConfig.enabled', 'no'])).toBe(true);
});

test('the other nodes that can be tried: the cluster by its name, then those that the node names', () => {
  const nearest = { node: 'a', region: 'eu', candidates: [{ node: 'b', region: 'us', url: 'https://b.meet.example' }] };
  const config = { hosts: { domain: 'meet.example' }, websocket: '/xmpp-websocket', nearest };
  expect(readConfig(config, new Map(), new URL('https://a.meet.example/room')).elsewhere).toEqual([
    'wss://meet.example/xmpp-websocket',
    'wss://b.meet.example/xmpp-websocket',
  ]);
});
