/** A scale bar: how long, and what is written beside it. */
export interface ScaleBar {
  /** Length on screen, in CSS pixels. */
  readonly length: number;
  readonly text: string;
  readonly isCalibrated: boolean;
}

/**
 * The longest round length (1, 2 or 5 × a power of ten) that fits into `most` screen pixels.
 *
 * `zoom` is screen pixels per image pixel, `spacing` µm per image pixel, null for an uncalibrated image:
 * then the bar counts pixels and says so.
 */
export function scaleBar(zoom: number, spacing: number | null, most = 140): ScaleBar {
  const perScreenPixel = (spacing ?? 1) / zoom;
  const room = most * perScreenPixel;
  const power = 10 ** Math.floor(Math.log10(room));
  const step = [5, 2, 1].find((each) => each * power <= room * (1 + 1e-9)) ?? 1;
  const size = spacing === null ? Math.max(1, Math.round(step * power)) : step * power;
  const length = size / perScreenPixel;
  if (spacing === null) return { length, text: `${size} px, uncalibrated`, isCalibrated: false };
  return { length, text: lengthText(size), isCalibrated: true };
}

/** A length in the unit in which it is a number from 1 to 999. */
export function lengthText(micrometres: number): string {
  if (micrometres >= 1000) return `${trim(micrometres / 1000)} mm`;
  if (micrometres >= 1) return `${trim(micrometres)} µm`;
  return `${trim(micrometres * 1000)} nm`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(6)));
}
