/** Which close codes and reasons may be sent, and by whom. */

import { encode } from "../bytes.js";
import { InvalidArgumentError, shown } from "../errors.js";
import type { CloseFrame } from "./message.js";

/** What fits into a close frame besides the code. */
const REASON_BYTES = 123;

/**
 * The arguments of a client's `close()`: 1000 or 3000 to 4999, and a reason of at most 123 bytes. Throws
 * the standard's `DOMException`s.
 */
export function closeByClient(code: unknown, reason: unknown): CloseFrame {
  const number = code === undefined ? undefined : clamped(code);
  const text = reason === undefined ? "" : wellFormed(String(reason));
  if (number !== undefined && number !== 1000 && !(number >= 3000 && number <= 4999)) {
    throw new DOMException(`The close code must be 1000 or from 3000 to 4999, not ${number}`, "InvalidAccessError");
  }
  if (encode(text).length > REASON_BYTES) {
    throw new DOMException(`The close reason is longer than ${REASON_BYTES} bytes`, "SyntaxError");
  }
  return { code: number ?? (text === "" ? undefined : 1000), reason: text };
}

/**
 * The arguments of a server's `close()`. It may send every code that has a meaning on the wire: not 1004
 * to 1006 and 1015, which only say what has happened. Throws an `InvalidArgumentError`.
 */
export function closeByServer(code: unknown, reason: unknown): CloseFrame {
  const isUnsaid = code === undefined && reason === undefined;
  if (!isUnsaid && !isSendable(code)) {
    const hint = code === 1006 ? ": abort() loses the connection, which the client sees as 1006" : "";
    throw new InvalidArgumentError(
      `close() takes a code from 1000 to 1014 (not 1004 to 1006) or from 3000 to 4999, not ${shown(code)}${hint}`,
      "MOCKWIRE_INVALID_MESSAGE",
    );
  }
  if (reason !== undefined && (typeof reason !== "string" || encode(reason).length > REASON_BYTES)) {
    throw new InvalidArgumentError(
      `close() takes a reason of at most ${REASON_BYTES} bytes, not ${shown(reason)}`,
      "MOCKWIRE_INVALID_MESSAGE",
    );
  }
  return { code: code as number | undefined, reason: wellFormed((reason as string | undefined) ?? "") };
}

function isSendable(code: unknown): boolean {
  if (typeof code !== "number" || !Number.isInteger(code)) return false;
  if (code >= 1000 && code <= 1014) return code < 1004 || code > 1006;
  return code >= 3000 && code <= 4999;
}

/** `[Clamp] unsigned short`. */
function clamped(value: unknown): number {
  const number = Number(value);
  return Number.isNaN(number) ? 0 : Math.min(65_535, Math.max(0, Math.round(number)));
}

/** With lone surrogates replaced, as they are on the wire. */
export function wellFormed(text: string): string {
  const { toWellFormed } = text as { toWellFormed?: () => string };
  if (toWellFormed !== undefined) return toWellFormed.call(text);
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
}
