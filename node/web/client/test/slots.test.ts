import { expect, test } from 'vitest';
import { SLOTS_PER_KIND, applyMap, readMappings, type Mapping, type Slot } from '../src/bridge/slots';

const video = (source: string, ssrc: number, rtx = ssrc + 1): Mapping => ({
  source,
  owner: source.split('-')[0]!,
  ssrc,
  rtx,
  videoType: 'camera',
});
const owners = (slots: readonly Slot[]): string[] => slots.map(({ ssrc, owner }) => `${ssrc}:${owner}`);

test('new SSRCs become slots in their order', () => {
  const { slots, grown } = applyMap([], 'video', [video('aaaaaaaa-v0', 10), video('bbbbbbbb-v0', 20)]);
  expect(grown).toBe(true);
  expect(owners(slots)).toEqual(['10:aaaaaaaa', '20:bbbbbbbb']);
  expect(slots[0]).toEqual({ kind: 'video', ...video('aaaaaaaa-v0', 10) });
});

test('a known SSRC is re-labelled without growing', () => {
  const before = applyMap([], 'video', [video('aaaaaaaa-v0', 10), video('bbbbbbbb-v0', 20)]).slots;
  const { slots, grown } = applyMap(before, 'video', [video('cccccccc-v0', 10)]);
  expect(grown).toBe(false);
  expect(owners(slots)).toEqual(['10:cccccccc', '20:bbbbbbbb']);
});

test('a source that moves to another SSRC leaves its old slot free', () => {
  const before = applyMap([], 'video', [video('aaaaaaaa-v0', 10), video('bbbbbbbb-v0', 20)]).slots;
  const { slots } = applyMap(before, 'video', [video('aaaaaaaa-v0', 20)]);
  expect(owners(slots)).toEqual(['10:', '20:aaaaaaaa']);
});

test('two sources that swap their SSRCs in one map', () => {
  const before = applyMap([], 'video', [video('aaaaaaaa-v0', 10), video('bbbbbbbb-v0', 20)]).slots;
  const { slots } = applyMap(before, 'video', [video('bbbbbbbb-v0', 10), video('aaaaaaaa-v0', 20)]);
  expect(owners(slots)).toEqual(['10:bbbbbbbb', '20:aaaaaaaa']);
});

test('the same map again changes nothing, not even the array', () => {
  const before = applyMap([], 'video', [video('aaaaaaaa-v0', 10)]).slots;
  expect(applyMap(before, 'video', [video('aaaaaaaa-v0', 10)])).toEqual({ slots: before, grown: false });
  expect(applyMap(before, 'video', [video('aaaaaaaa-v0', 10)]).slots).toBe(before);
});

test('an SSRC keeps its kind', () => {
  const before = applyMap([], 'video', [video('aaaaaaaa-v0', 10)]).slots;
  expect(applyMap(before, 'audio', [video('aaaaaaaa-a0', 10, 0)]).slots).toBe(before);
});

test('slots are bounded', () => {
  const flood = Array.from({ length: 500 }, (_, i) => video(`${i}-v0`, 1000 + 2 * i));
  expect(applyMap([], 'video', flood).slots).toHaveLength(SLOTS_PER_KIND);
});

test('readMappings leaves out what is malformed', () => {
  const good = { source: 'aaaaaaaa-v0', owner: 'aaaaaaaa', ssrc: 10, rtx: 11, videoType: 'CAMERA' };
  expect(readMappings([good, null, 7, { ...good, ssrc: '10' }, { ...good, ssrc: -1 }, { ssrc: 12 }])).toEqual([
    { ...good, videoType: 'camera' },
    { source: '', owner: '', ssrc: 12, rtx: 0, videoType: '' },
  ]);
  expect(readMappings('x')).toEqual([]);
});
