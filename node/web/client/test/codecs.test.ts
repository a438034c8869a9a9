import { expect, test } from 'vitest';
import { preferring, supportedCodecs } from '../src/jingle/codecs';
import type { Description, PayloadType } from '../src/jingle/offer';

const payload = (id: number, name: string, ...parameters: string[]): PayloadType => ({
  id,
  name,
  clockrate: 90000,
  channels: 1,
  parameters,
  feedback: [],
});
const description: Description = {
  name: 'video',
  payloads: [
    payload(41, 'AV1'),
    payload(42, 'rtx', 'apt=41'),
    payload(100, 'VP8'),
    payload(96, 'rtx', 'apt=100'),
    payload(101, 'VP9'),
    payload(97, 'rtx', 'apt=101'),
  ],
  extensions: [],
  mixed: false,
};
const ids = (order: string[]) => preferring(description, order).payloads.map(({ id }) => id);

test('payload types follow the preference, each with its retransmissions; others keep their order behind', () => {
  expect(ids(['VP8', 'VP9'])).toEqual([100, 96, 101, 97, 41, 42]);
  expect(ids(['vp9'])).toEqual([101, 97, 41, 42, 100, 96]);
  expect(ids([])).toEqual([41, 42, 100, 96, 101, 97]);
});

test('presence names what the browser plays, in the order of preference', () => {
  const plays = ['video/VP8', 'video/rtx', 'video/AV1', 'video/VP8'];
  expect(supportedCodecs(['AV1', 'H264', 'VP8'], plays)).toEqual(['av1', 'vp8']);
});
