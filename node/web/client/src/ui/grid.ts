/** Tiles of 16:9 in a box: as large as they can be. */
export interface Layout {
  columns: number;
  width: number;
  height: number;
}

const RATIO = 16 / 9;

/** @param gap pixels between tiles */
export function layout(tiles: number, width: number, height: number, gap: number): Layout {
  let best: Layout = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(tiles, 1); columns++) {
    const rows = Math.ceil(tiles / columns);
    const widest = (width - gap * (columns - 1)) / columns;
    const highest = (height - gap * (rows - 1)) / Math.max(rows, 1);
    const w = Math.max(0, Math.floor(Math.min(widest, highest * RATIO)));
    if (w > best.width) best = { columns, width: w, height: Math.floor(w / RATIO) };
  }
  return best;
}
