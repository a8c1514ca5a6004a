/** What a caller without types may have passed. */

import { InvalidArgumentError } from "../index.js";
import { shown } from "../words.js";

type Test = (value: unknown) => boolean;

/** Refuses options that are unknown, and values for which the test of their name is not true. */
export function checked<T extends object>(what: string, options: T, tests: Readonly<Record<keyof T, Test>>): T {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError(`${what} takes an object with options, not ${shown(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(tests, name)) {
      const known = Object.keys(tests).join(", ");
      throw new InvalidArgumentError(`${what} has no option \`${name}\`: known are ${known}`);
    }
    if (value !== undefined && !tests[name as keyof T](value)) {
      throw new InvalidArgumentError(`${what}: the option \`${name}\` cannot be ${shown(value)}`);
    }
  }
  return options;
}

/** What the machines count with has 32 bits. */
const MOST = 2 ** 32 - 1;

export const isCount: Test = (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST;
export const isPositive: Test = (value) => isCount(value) && value !== 0;
export const isFunction: Test = (value) => typeof value === "function";
/** A time in milliseconds; `Infinity` is one. */
export const isTime: Test = (value) => typeof value === "number" && value >= 0;
