import { expect, test } from 'vitest';
import { readMessage, receiverVideoConstraints, wantedHeight } from '../src/bridge/messages';

test('what the node says is read', () => {
  const read = (value: unknown) => readMessage(JSON.stringify(value));
  expect(read({ colibriClass: 'ServerHello', version: '1' })).toEqual({ class: 'hello' });
  expect(read({ colibriClass: 'DominantSpeakerEndpointChangeEvent', dominantSpeakerEndpoint: 'aaaaaaaa' })).toEqual({
    class: 'dominant',
    endpoint: 'aaaaaaaa',
    silence: false,
  });
  expect(read({ colibriClass: 'SenderSourceConstraints', sourceName: 'a-v0', maxHeight: 360 })).toEqual({
    class: 'constraints',
    source: 'a-v0',
    maxHeight: 360,
  });
  expect(read({ colibriClass: 'ForwardedSources', forwardedSources: ['a-v0', 3] })).toEqual({
    class: 'forwarded',
    sources: ['a-v0'],
  });
  expect(read({ colibriClass: 'AudioSourcesMap', mappedSources: [{ source: 'a-a0', owner: 'a', ssrc: 5 }] })).toEqual({
    class: 'map',
    kind: 'audio',
    mappings: [{ source: 'a-a0', owner: 'a', ssrc: 5, rtx: 0, videoType: '' }],
  });
});

test('what is unknown or malformed is nothing', () => {
  for (const data of ['', '{', 'null', '[]', '{"colibriClass":"New"}', '{"colibriClass":"SenderSourceConstraints"}', 7]) {
    expect(readMessage(data)).toBeUndefined();
  }
});

test('constraints as the node reads them', () => {
  expect(receiverVideoConstraints({ maxHeight: 360, heights: { 'a-v1': 2160 } })).toEqual({
    colibriClass: 'ReceiverVideoConstraints',
    lastN: -1,
    defaultConstraints: { maxHeight: 360 },
    constraints: { 'a-v1': { maxHeight: 2160 } },
  });
});

test('a tile asks for the size that fits it', () => {
  expect([0, 90, 200, 201, 360, 400, 401, 2000].map(wantedHeight)).toEqual([0, 180, 180, 360, 360, 360, 720, 720]);
});
