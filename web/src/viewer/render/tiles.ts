/** Number of a tile as deck.gl gives it: `z` is 0 for the finest level and counts down. */
export interface TileIndex {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Where a tile lies in pixels of the finest level: left, bottom, right, top, as deck.gl wants it. */
export function tileBounds(
  { x, y, z }: TileIndex,
  { width, height }: { width: number; height: number },
  tileSize: number,
): [number, number, number, number] {
  const scale = 2 ** -z;
  const [left, top] = [x * tileSize * scale, y * tileSize * scale];
  return [left, top + height * scale, left + width * scale, top];
}
