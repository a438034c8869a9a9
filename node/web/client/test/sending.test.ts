import { expect, test } from 'vitest';
import { sendParameters, type Wanted } from '../src/media/sending';

const current = (...encodings: RTCRtpEncodingParameters[]): RTCRtpSendParameters =>
  ({ transactionId: 't', codecs: [], headerExtensions: [], rtcp: {}, encodings }) as RTCRtpSendParameters;
const camera = (maxHeight: number | undefined, captured = 720, codec = 'VP8'): Wanted => ({
  kind: 'camera',
  codec,
  maxHeight,
  captured: { width: (captured * 16) / 9, height: captured },
});
const three = current({}, {}, {});
const active = (parameters: RTCRtpSendParameters | undefined) => parameters?.encodings.map((encoding) => encoding.active);
const first = (parameters: RTCRtpSendParameters | undefined) => parameters?.encodings[0];

test('three encodings: a quarter, a half, the whole; all of them before anybody said what they want', () => {
  const set = sendParameters(three, camera(undefined))!;
  expect(set.encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
  expect(active(set)).toEqual([true, true, true]);
  expect(sendParameters(set, camera(undefined))).toBeUndefined();
});

test('encodings above what is wanted are off, and on again when it grows', () => {
  const half = sendParameters(three, camera(360))!;
  expect(active(half)).toEqual([true, true, false]);
  expect(active(sendParameters(half, camera(720)))).toEqual([true, true, true]);
  expect(active(sendParameters(half, camera(180)))).toEqual([true, false, false]);
});

test('of a small picture there are fewer encodings, the whole always among them', () => {
  const scales = (captured: number) =>
    sendParameters(three, camera(720, captured))!
      .encodings.filter((encoding) => encoding.active)
      .map(({ scaleResolutionDownBy }) => scaleResolutionDownBy);
  expect(scales(540)).toEqual([4, 2, 1]);
  expect(scales(360)).toEqual([2, 1]);
  expect(scales(180)).toEqual([1]);
  const upright = sendParameters(three, { ...camera(1280), captured: { width: 720, height: 1280 } });
  expect(active(upright)).toEqual([true, true, true]);
});

test('the smallest encoding goes on as long as anybody looks', () => {
  expect(active(sendParameters(three, camera(90, 2160)))).toEqual([true, false, false]);
  expect(active(sendParameters(three, camera(0)))).toEqual([false, false, false]);
});

test('one encoding is made smaller, never larger, and off when nobody looks', () => {
  expect(first(sendParameters(current({}), camera(360)))).toMatchObject({ active: true, scaleResolutionDownBy: 2 });
  expect(first(sendParameters(current({}), camera(720, 360)))).toMatchObject({ active: true, scaleResolutionDownBy: 1 });
  expect(first(sendParameters(current({}), camera(0)))).toMatchObject({ active: false });
});

test('codecs with layers in one stream are asked for them, unless the browser refused', () => {
  const mode = (wanted: Wanted, layers = true) => {
    const encoding = first(sendParameters(current({}), wanted, layers)) as { scalabilityMode?: string } | undefined;
    return encoding?.scalabilityMode;
  };
  expect(mode(camera(720, 720, 'AV1'))).toBe('L3T3_KEY');
  expect(mode(camera(360, 720, 'VP9'))).toBe('L2T3_KEY');
  expect(mode(camera(180, 720, 'VP9'))).toBe('L1T3');
  expect(mode(camera(720, 720, 'VP9'), false)).toBeUndefined();
  expect(mode(camera(720, 720, 'H264'))).toBeUndefined();
});

test('a screen keeps its pixels and is off only when nobody looks', () => {
  const screen = (maxHeight: number): Wanted => ({ kind: 'screen', codec: 'VP8', maxHeight, captured: { width: 1920, height: 1080 } });
  const small = sendParameters(current({}), screen(180))!;
  expect(first(small)).toEqual({ active: true, maxBitrate: 2_500_000 });
  expect(small.degradationPreference).toBe('maintain-resolution');
  expect(active(sendParameters(small, screen(0)))).toEqual([false]);
});
