/** How often something happens. */

import { shown } from "./words.js";

/** How often a rule answers: it matches no more after `max` times, and `verify()` fails below `min`. */
export interface Times {
  /** 0 unless given. */
  readonly min?: number;
  /** Without limit unless given. */
  readonly max?: number;
}

/** The bounds that are meant. What they throw who take no such `times`, `refused` makes of a message. */
export function boundsOf(
  caller: string,
  times: number | Times,
  refused: (message: string) => Error,
): { readonly min: number; readonly max: number | null } {
  const { min = 0, max = null, ...others } = typeof times === "number" ? { min: times, max: times } : Object(times);
  const isObject = typeof times === "object" && times !== null;
  const isRight = (isObject || typeof times === "number") && Object.keys(others).length === 0;
  if (isRight && isCount(min) && (max === null || (isCount(max) && max >= min))) return { min, max };
  const given = isObject ? JSON.stringify(times) : shown(times);
  throw refused(`${caller}() takes a whole number or { min, max }, max not below min, not ${given}`);
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
