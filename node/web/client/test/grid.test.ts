import { expect, test } from 'vitest';
import { layout } from '../src/ui/grid';

test('tiles are as large as the box lets them be', () => {
  expect(layout(1, 1600, 900, 8)).toEqual({ columns: 1, width: 1600, height: 900 });
  expect(layout(2, 1608, 500, 8)).toEqual({ columns: 2, width: 800, height: 450 });
  expect(layout(2, 500, 1000, 8)).toEqual({ columns: 1, width: 500, height: 281 });
  expect(layout(4, 1608, 908, 8)).toMatchObject({ columns: 2 });
});

test('every tile fits', () => {
  for (let tiles = 1; tiles <= 60; tiles++) {
    const { columns, width, height } = layout(tiles, 1280, 720, 8);
    const rows = Math.ceil(tiles / columns);
    expect(columns * width + (columns - 1) * 8).toBeLessThanOrEqual(1280);
    expect(rows * height + (rows - 1) * 8).toBeLessThanOrEqual(720);
    expect(width).toBeGreaterThan(0);
  }
});

test('a box without room has no tiles', () => {
  expect(layout(3, 0, 0, 8).height).toBe(0);
});
