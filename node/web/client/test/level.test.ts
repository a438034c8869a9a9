import { expect, test } from 'vitest';
import { loudness } from '../src/media/level';

test('loudness goes from silence to full scale by decibels', () => {
  expect(loudness(new Float32Array(64))).toBe(0);
  expect(loudness(new Float32Array(0))).toBe(0);
  expect(loudness(new Float32Array(64).fill(1))).toBe(1);
  expect(loudness(new Float32Array(64).fill(0.0316))).toBeCloseTo(0.5, 2);
  expect(loudness(new Float32Array(64).fill(0.0001))).toBe(0);
});
