import { expect, test } from 'vitest';
import { sendParameters } from '../src/media/sending';

const current = (encoding: RTCRtpEncodingParameters): RTCRtpSendParameters =>
  ({ transactionId: 't', codecs: [], headerExtensions: [], rtcp: {}, encodings: [encoding] }) as RTCRtpSendParameters;
const first = (parameters: RTCRtpSendParameters | undefined) => parameters?.encodings[0];

test('nothing is changed before anybody said what they want', () => {
  expect(sendParameters(current({ active: true }), undefined, 720)).toBeUndefined();
});

test('a smaller picture is wanted, then the whole again', () => {
  const small = sendParameters(current({ active: true }), 360, 720);
  expect(first(small)).toEqual({ active: true, scaleResolutionDownBy: 2 });
  expect(first(sendParameters(small!, 720, 720))).toEqual({ active: true, scaleResolutionDownBy: 1 });
});

test('a picture is never made larger', () => {
  expect(sendParameters(current({ active: true }), 720, 360)).toBeUndefined();
});

test('nobody looks: nothing is sent until somebody does', () => {
  const off = sendParameters(current({ active: true }), 0, 720);
  expect(first(off)).toMatchObject({ active: false });
  expect(first(sendParameters(off!, 180, 720))).toMatchObject({ active: true, scaleResolutionDownBy: 4 });
});
