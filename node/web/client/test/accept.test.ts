import { expect, test } from 'vitest';
import { restartAnswer, sessionAccept, sessionTerminate } from '../src/jingle/accept';
import { readOffer } from '../src/jingle/offer';
import { attribute, child, children, namespace, text } from '../src/xmpp/xml';
import { OFFER } from './offer';
import { parseXml } from './xml';

/** As Chromium answers. */
const ANSWER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=msid-semantic: WMS',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:4cXd',
  'a=ice-pwd:b123456789012345678901234',
  'a=fingerprint:sha-256 CC:DD',
  'a=setup:active',
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=sendonly',
  'a=msid:- t1',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=ssrc:1001 cname:x',
  'm=video 9 UDP/TLS/RTP/SAVPF 100 96',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:4cXd',
  'a=ice-pwd:b123456789012345678901234',
  'a=fingerprint:sha-256 CC:DD',
  'a=setup:active',
  'a=mid:1',
  'a=sendonly',
  'a=rtcp-mux',
  'a=rtpmap:96 rtx/90000',
  'a=fmtp:96 apt=100',
  'a=rtpmap:100 VP8/90000',
  'a=rtcp-fb:100 nack pli',
  'a=ssrc-group:FID 2001 2002',
  'a=ssrc:2001 cname:x',
  'a=ssrc:2001 msid:- t2',
  'a=ssrc:2002 cname:x',
  'a=ssrc:2002 msid:- t2',
  '',
].join('\r\n');

const offer = readOffer(parseXml(OFFER));

test('session-accept says our sources, payload types and transport, without candidates', () => {
  const jingle = sessionAccept(offer, ANSWER, '05cf9031', 'me@example/r');
  expect(attribute(jingle, 'action')).toBe('session-accept');
  expect(attribute(jingle, 'sid')).toBe('s1');
  expect(attribute(jingle, 'responder')).toBe('me@example/r');
  const [audio, video] = children(jingle, 'content');
  expect(attribute(video!, 'name')).toBe('video');

  const description = child(video!, 'description')!;
  expect(children(description, 'payload-type').map((payload) => attribute(payload, 'name'))).toEqual(['VP8', 'rtx']);
  const sources = children(description, 'source', 'urn:xmpp:jingle:apps:rtp:ssma:0');
  expect(sources.map((source) => [attribute(source, 'ssrc'), attribute(source, 'name')])).toEqual([
    ['2001', '05cf9031-v0'],
    ['2002', '05cf9031-v0'],
  ]);
  expect(attribute(child(sources[0]!, 'parameter')!, 'name')).toBe('msid');
  const group = child(description, 'ssrc-group')!;
  expect(attribute(group, 'semantics')).toBe('FID');
  expect(children(group, 'source').map((source) => attribute(source, 'ssrc'))).toEqual(['2001', '2002']);

  const opus = child(child(audio!, 'description')!, 'payload-type')!;
  expect(attribute(opus, 'channels')).toBe('2');
  expect(children(opus, 'parameter').map((p) => `${attribute(p, 'name')}=${attribute(p, 'value')}`)).toEqual([
    'minptime=10',
    'useinbandfec=1',
  ]);

  const transport = child(audio!, 'transport')!;
  expect(attribute(transport, 'ufrag')).toBe('4cXd');
  expect(attribute(transport, 'pwd')).toBe('b123456789012345678901234');
  expect(children(transport, 'candidate')).toEqual([]);
  const fingerprint = child(transport, 'fingerprint')!;
  expect(attribute(fingerprint, 'setup')).toBe('active');
  expect(text(fingerprint)).toBe('CC:DD');
});

test('an ICE restart is answered with its generation', () => {
  const jingle = restartAnswer(offer, ANSWER, 3);
  const transports = children(jingle, 'content').map((content) => child(content, 'transport')!);
  expect(transports.map((transport) => attribute(transport, 'ice-generation'))).toEqual(['3', '3']);
});

test('a restart is asked for with the id of the bridge session', () => {
  const jingle = sessionTerminate(offer, 'connectivity-error', true);
  const bridge = child(jingle, 'bridge-session')!;
  expect(namespace(bridge)).toBe('http://jitsi.org/protocol/focus');
  expect([attribute(bridge, 'id'), attribute(bridge, 'restart')]).toEqual(['b1', 'true']);
});
