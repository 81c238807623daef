/** Numbers for people, as the report writes them: value and interval rounded alike, never "NaN". */
export const MISSING = "—";
const THIN = "\u202f";
const MINUS = "−";

type Maybe = number | null | undefined;

function isNumber(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Decimal places that show a spread to two significant digits. */
export function decimalsFor(spread: number, digits = 2): number {
  if (!spread || !Number.isFinite(spread)) return 0;
  return Math.min(12, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(spread)))));
}

export function fixed(value: Maybe, decimals: number): string {
  if (!isNumber(value)) return MISSING;
  const [whole = "", part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  const text = part === undefined ? grouped : `${grouped}.${part}`;
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** A number without an interval, to some significant digits; whole numbers in full. */
export function number(value: Maybe, digits = 3): string {
  if (!isNumber(value)) return MISSING;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) {
    const exponent = Math.floor(Math.log10(size));
    return `${fixed(value / 10 ** exponent, digits - 1)}${THIN}×${THIN}10${superscript(exponent)}`;
  }
  return Number.isInteger(value) ? fixed(value, 0) : fixed(value, decimalsFor(value, digits));
}

function superscript(exponent: number): string {
  return String(exponent).replace(/[-\d]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)] ?? sign);
}

/** Value and ends of its interval with the same decimals, two significant digits of the half-width. */
export function interval(value: Maybe, low: Maybe, high: Maybe): { value: string; range: string | null } {
  if (!isNumber(low) || !isNumber(high)) return { value: number(value), range: null };
  const decimals = decimalsFor((high - low) / 2);
  return {
    value: fixed(value, decimals),
    range: `${fixed(low, decimals)} to ${fixed(high, decimals)}`,
  };
}

export function percent(value: Maybe, decimals = 0): string {
  return isNumber(value) ? `${fixed(value * 100, decimals)}${THIN}%` : MISSING;
}

/** A time span: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: Maybe): string {
  if (!isNumber(seconds)) return MISSING;
  if (seconds > 0 && seconds < 0.05) return "under 0.1 s";
  if (seconds < 10) return `${fixed(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytes(value: Maybe): string {
  if (!isNumber(value)) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${number(value / 1000 ** step)}${THIN}${units[step]}`;
}

/** A time that a person reads: "14:05" today, else "3 Nov, 14:05". */
export function moment(iso: string | null | undefined, now = new Date()): string {
  if (!iso) return MISSING;
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return MISSING;
  const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (time.toDateString() === now.toDateString()) return clock;
  const year = time.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${time.toLocaleDateString("en-GB", { day: "numeric", month: "short", year })}, ${clock}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${fixed(count, 0)} ${count === 1 ? one : many}`;
}
