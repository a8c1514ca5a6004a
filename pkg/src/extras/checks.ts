/** What machines say about conditions. */

import type { Check } from "../index.js";

/** Each thing that a condition asks: texts by four, of which the last is empty where it did not pass. */
export function checksOf(texts: readonly string[]): Check[] {
  const checks: Check[] = [];
  for (let at = 0; at < texts.length; at += 4) {
    const [matcher, expected, actual, passed] = texts.slice(at, at + 4);
    checks.push({ matcher: matcher!, expected: expected!, actual: actual!, passed: passed !== "" });
  }
  return checks;
}
