/** Values as JSON. */

import type { InvalidReplyError, InvalidRuleError } from "./errors.js";
import { messageOf, shown } from "./words.js";

/** A value as JSON. Throws an error of the given kind, which says where, when it cannot be written as JSON. */
export function jsonOf(
  value: unknown,
  where: string,
  Refusal: typeof InvalidReplyError | typeof InvalidRuleError,
): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const message = `${where}: the value cannot be written as JSON (${messageOf(cause)})`;
    throw new Refusal("MOCKWIRE_INVALID_JSON", message, { cause });
  }
  if (text !== undefined) return text;
  throw new Refusal("MOCKWIRE_INVALID_JSON", `${where}: ${shown(value)} is not JSON`);
}
