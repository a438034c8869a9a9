import { expect, test } from 'vitest';
import { bare, endpointOf, resource } from '../src/xmpp/names';

test('the endpoint id is the head of a JID, or random', () => {
  expect(endpointOf('05cf9031-583b-4d@meet.example/r')).toBe('05cf9031');
  expect(endpointOf('ann@meet.example/r', () => 0.5)).toBe('80000000');
  expect(endpointOf('ann@meet.example/r', () => 0)).toBe('00000000');
});

test('parts of a JID', () => {
  expect([bare('a@b/c/d'), resource('a@b/c/d')]).toEqual(['a@b', 'c/d']);
  expect([bare('a@b'), resource('a@b')]).toEqual(['a@b', '']);
});
