import { parse } from 'sdp-transform';
import { expect, test } from 'vitest';
import { streamsOf } from '../src/jingle/sources';
import { byRids, furtherSsrcs, hasStreamPerEncoding, withEncodings } from '../src/jingle/simulcast';

const ANSWER = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=rtpmap:111 opus/48000/2',
  'a=ssrc:1001 cname:x',
  'm=video 9 UDP/TLS/RTP/SAVPF 100 96',
  'a=mid:1',
  'a=rtpmap:100 VP8/90000',
  'a=ssrc-group:FID 2001 2002',
  'a=ssrc:2001 cname:x',
  'a=ssrc:2001 msid:- t2',
  'a=ssrc:2002 cname:x',
  'a=ssrc:2002 msid:- t2',
  'm=video 9 UDP/TLS/RTP/SAVPF 100 96',
  'a=mid:2',
  'a=rtpmap:100 VP8/90000',
  'a=ssrc:3001 cname:x',
  '',
].join('\r\n');

const further = [
  [11, 12],
  [21, 22],
] as const;

test('the camera gets two more encodings with retransmissions, all of one name; nothing else changes', () => {
  const widened = withEncodings(ANSWER, '1', further);
  const [audio, camera, screen] = parse(widened).media;
  expect(audio!.ssrcs).toHaveLength(1);
  expect(screen!.ssrcs).toHaveLength(1);
  expect(camera!.ssrcGroups).toEqual([
    { semantics: 'FID', ssrcs: '2001 2002' },
    { semantics: 'FID', ssrcs: '11 12' },
    { semantics: 'FID', ssrcs: '21 22' },
    { semantics: 'SIM', ssrcs: '2001 11 21' },
  ]);
  expect([...new Set(camera!.ssrcs!.map(({ id }) => id))]).toEqual([2001, 2002, 11, 12, 21, 22]);
  expect(new Set(camera!.ssrcs!.filter(({ attribute }) => attribute === 'cname').map(({ value }) => value))).toEqual(new Set(['x']));
  expect(widened.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
});

test('a description that has its encodings stays as it is, also when it is the last section', () => {
  const widened = withEncodings(ANSWER, '1', further);
  expect(withEncodings(widened, '1', further)).toBe(widened);
  expect(withEncodings(ANSWER, '7', further)).toBe(ANSWER);
  expect(parse(withEncodings(ANSWER, '2', further)).media[2]!.ssrcGroups).toEqual([{ semantics: 'SIM', ssrcs: '3001 11 21' }]);
});

test('without retransmissions there are none of the further encodings either', () => {
  const plain = ANSWER.replace('a=ssrc-group:FID 2001 2002\r\n', '').replace(/a=ssrc:2002 .*\r\n/g, '');
  const camera = parse(withEncodings(plain, '1', further)).media[1]!;
  expect(camera.ssrcGroups).toEqual([{ semantics: 'SIM', ssrcs: '2001 11 21' }]);
});

test('encodings made by rids are grouped in the order in which the browser lists them', () => {
  const lines = [
    'm=video 9 UDP/TLS/RTP/SAVPF 100',
    'a=mid:1',
    ...[1, 2, 3, 4, 5, 6].map((ssrc) => `a=ssrc:${ssrc} cname:y`),
    'a=ssrc-group:FID 1 4',
    'a=ssrc-group:FID 2 5',
    'a=ssrc-group:FID 3 6',
  ];
  const [media] = parse(['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', ...lines, ''].join('\r\n')).media;
  const { ssrcs, groups } = streamsOf(media!);
  expect(ssrcs).toEqual([1, 2, 3, 4, 5, 6]);
  expect(groups[0]).toEqual({ semantics: 'SIM', ssrcs: [1, 2, 3] });
  expect(groups).toHaveLength(4);
});

test('a single stream is no group', () => {
  expect(streamsOf(parse(ANSWER).media[2]!)).toEqual({ ssrcs: [3001], groups: [] });
});

test('browsers and codecs', () => {
  expect(byRids('Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0')).toBe(true);
  expect(byRids('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36')).toBe(false);
  expect(['VP8', 'vp9', 'H264', 'AV1'].map(hasStreamPerEncoding)).toEqual([true, false, true, false]);
  expect(new Set(furtherSsrcs().flat()).size).toBe(4);
});
