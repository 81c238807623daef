import { type Box, isEmpty, union } from "../model/labels";

const MOST = 12;

/** Boxes that have to be drawn anew: those that touch become one, those far apart stay small. */
export class DirtyBoxes {
  private boxes: Box[] = [];

  add(box: Box): void {
    if (isEmpty(box)) return;
    let whole = box;
    let rest = this.boxes;
    // A box that grew may touch others that the first one did not.
    for (let before = -1; before !== rest.length; ) {
      before = rest.length;
      const apart: Box[] = [];
      for (const each of rest) {
        if (touch(each, whole)) whole = union(each, whole);
        else apart.push(each);
      }
      rest = apart;
    }
    this.boxes = rest.length < MOST ? [...rest, whole] : [rest.reduce(union, whole)];
  }

  /** The boxes, none of which touch; there are none afterwards. */
  take(): Box[] {
    const { boxes } = this;
    this.boxes = [];
    return boxes;
  }
}

function touch(a: Box, b: Box): boolean {
  return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}
