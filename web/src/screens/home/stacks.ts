/** Which plane of stacks and time-lapses a new study looks at. */
import type { Description } from "../../api/types";
import { useDraft } from "../../app/store";
import { text } from "../../app/strings";

/** Planes and times that every image with such an axis has; 0 where none has one. */
export function lengthsOf(images: Description["images"]): { depth: number; times: number } {
  const least = (axis: string) => {
    const lengths = images.map(({ axes, shape }) => shape[axes.indexOf(axis)] ?? 0).filter((n) => n > 0);
    return lengths.length ? Math.min(...lengths) : 0;
  };
  return { depth: least("z"), times: least("t") };
}

/** As the command line takes it, such as "z=max,t=each"; undefined where there is nothing to choose. */
export function planeText(depth: number, times: number, z: string, t: string): string | undefined {
  return [depth && `z=${z}`, times && `t=${t}`].filter(Boolean).join(",") || undefined;
}

/** A whole number from 0 to below `length`, as a person types it. */
export function isPlace(typed: string, length: number): boolean {
  return /^\d+$/.test(typed.trim()) && Number(typed) < length;
}

export type StackForm = ReturnType<typeof useStackForm>;

export function useStackForm(prefix: string, images: Description["images"]) {
  const { depth, times } = lengthsOf(images);
  const [z, setZ] = useDraft(`${prefix}z`, "max");
  const [t, setT] = useDraft(`${prefix}t`, "each");
  const [zAt, setZAt] = useDraft(`${prefix}z-at`, "0");
  const [tAt, setTAt] = useDraft(`${prefix}t-at`, "0");
  const fault = (axis: string, chosen: string, at: string, length: number) =>
    images.some(({ axes }) => axes.includes(axis)) && chosen === "one" && !isPlace(at, length)
      ? text.create.numberFault(length)
      : null;
  return {
    depth,
    times,
    values: { z, t, zAt, tAt },
    set: { z: setZ, t: setT, zAt: setZAt, tAt: setTAt },
    faults: { z: fault("z", z, zAt, depth), t: fault("t", t, tAt, times) },
    plane: planeText(depth, times, z === "one" ? zAt.trim() : z, t === "one" ? tAt.trim() : t),
  };
}
