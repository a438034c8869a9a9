import { expect, test } from 'vitest';
import { parse } from 'sdp-transform';
import { applyMap } from '../src/bridge/slots';
import { readOffer } from '../src/jingle/offer';
import { candidateLine, midOfSlot, remoteDescription, slotOfMid } from '../src/jingle/remote';
import { ridLines } from '../src/jingle/simulcast';
import { OFFER } from './offer';
import { parseXml } from './xml';

const offer = readOffer(parseXml(OFFER));
const mapped = (owner: string, kind: 'a' | 'v', ssrc: number, rtx: number) => ({
  source: `${owner}-${kind}0`,
  owner,
  ssrc,
  rtx,
  videoType: 'camera',
});

test('the offer is read with its transport, channel and start-muted', () => {
  expect(offer.transport.channel).toBe('wss://node.example/colibri-ws/n/c/e?pwd=p&x=1');
  expect(offer.transport.candidates).toHaveLength(2);
  expect(offer).toMatchObject({ sid: 's1', bridgeSession: 'b1', startMuted: { audio: true, video: false } });
  expect(() => readOffer(parseXml('<jingle xmlns="urn:xmpp:jingle:1"/>'))).toThrow('offer without audio');
});

test('without slots there are three m-lines, which only take', () => {
  const sdp = parse(remoteDescription({ offer, transport: offer.transport, slots: [], version: 1 }));
  expect(sdp.groups).toEqual([{ type: 'BUNDLE', mids: '0 1 2' }]);
  expect(sdp.media.map(({ type, mid, direction }) => [type, String(mid), direction])).toEqual([
    ['audio', '0', 'recvonly'],
    ['video', '1', 'recvonly'],
    ['video', '2', 'recvonly'],
  ]);
  const [audio, video] = sdp.media;
  expect(audio).toMatchObject({
    iceUfrag: 'uf',
    icePwd: 'secretsecretsecretsecret',
    fingerprint: { type: 'sha-256', hash: 'AA:BB' },
    setup: 'actpass',
    rtcpMux: 'rtcp-mux',
    rtp: [{ payload: 111, codec: 'opus', rate: 48000, encoding: 2 }],
    fmtp: [{ payload: 111, config: 'minptime=10;useinbandfec=1' }],
    ext: [{ value: 1, uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level' }],
  });
  expect(audio!.candidates).toHaveLength(2);
  expect(video!.payloads).toBe('100 96');
  expect(video!.rtcpFb).toEqual([
    { payload: 100, type: 'ccm', subtype: 'fir' },
    { payload: 100, type: 'nack' },
    { payload: 100, type: 'nack', subtype: 'pli' },
  ]);
  expect(video!.fmtp).toEqual([
    { payload: 100, config: 'x-google-start-bitrate=800' },
    { payload: 96, config: 'apt=100' },
  ]);
});

test('every slot is an m-line with its SSRCs, in the order of the slots', () => {
  const audio = applyMap([], 'audio', [mapped('aaaaaaaa', 'a', 5, 0)]).slots;
  const { slots } = applyMap(audio, 'video', [mapped('aaaaaaaa', 'v', 10, 11)]);
  const sdp = parse(remoteDescription({ offer, transport: offer.transport, slots, version: 2 }));
  expect(sdp.groups).toEqual([{ type: 'BUNDLE', mids: '0 1 2 3 4' }]);
  expect(sdp.origin!.sessionVersion).toBe(2);
  const [, , , voice, picture] = sdp.media;
  expect(voice).toMatchObject({ type: 'audio', direction: 'sendonly' });
  expect(new Set(voice!.ssrcs!.map(({ id }) => id))).toEqual(new Set([5]));
  expect(voice!.ssrcGroups).toBeUndefined();
  expect(picture).toMatchObject({ type: 'video', direction: 'sendonly' });
  expect(new Set(picture!.ssrcs!.map(({ id }) => id))).toEqual(new Set([10, 11]));
  expect(picture!.ssrcGroups).toEqual([{ semantics: 'FID', ssrcs: '10 11' }]);
});

test('the session id stays the same while the version goes up', () => {
  const first = parse(remoteDescription({ offer, transport: offer.transport, slots: [], version: 1 })).origin!;
  const second = parse(remoteDescription({ offer, transport: offer.transport, slots: [], version: 2 })).origin!;
  expect(second.sessionId).toBe(first.sessionId);
});

test('no value of the stanza begins a line', () => {
  const evil = { ...offer.transport, ufrag: 'x\r\na=candidate:evil' };
  const sdp = remoteDescription({ offer, transport: evil, slots: [], version: 1 });
  expect(sdp).not.toMatch(/^a=candidate:evil/m);
});

test('candidates are written as browsers take them', () => {
  expect(offer.transport.candidates.map(candidateLine)).toEqual([
    'candidate:1 1 udp 2130706431 192.0.2.1 10000 typ host',
    'candidate:2 1 udp 1694498815 198.51.100.7 10000 typ srflx raddr 192.0.2.1 rport 10000',
  ]);
});

test('mids and slots', () => {
  expect(slotOfMid(midOfSlot(7))).toBe(7);
  expect(slotOfMid('0')).toBe(-1);
  expect(slotOfMid('1')).toBe(-1);
  expect(slotOfMid('2')).toBe(-1);
  expect(slotOfMid('')).toBe(-1);
});

test('only the camera is asked for encodings by rids', () => {
  const sdp = parse(remoteDescription({ offer, transport: offer.transport, slots: [], version: 1, camera: ridLines() }));
  expect(sdp.media.map(({ simulcast }) => simulcast)).toEqual([undefined, { dir1: 'recv', list1: '1;2;3' }, undefined]);
  expect(sdp.media[1]!.rids).toHaveLength(3);
});
