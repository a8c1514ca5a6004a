/** What can go wrong with a cassette. */

import { type Diagnosis, InvalidArgumentError, MockwireError, UnmatchedRequestError } from "../../index.js";
import { named } from "../../named.js";

/**
 * A cassette is missing, cut off, corrupt, of a newer version, something else, or being written by somebody
 * else; or a text is no HTTP archive. The message says what to do. The codes begin with
 * `MOCKWIRE_CASSETTE_`: `.._MISSING`, `.._TRUNCATED`, `.._CORRUPT`, `.._NEWER_VERSION`, `.._FOREIGN`,
 * `.._LOCKED`, `.._UNREADABLE`, `.._UNWRITABLE`, `.._NOT_HAR`.
 */
export class CassetteError extends MockwireError {
  static {
    named(this, "CassetteError");
  }
}

/** Does something of the machine's, whose errors become those of this package. */
export function told<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const { code = "", message = "", diagnosis } = thrown as { code?: string; message?: string; diagnosis?: string };
    if (code === "MOCKWIRE_UNMATCHED") {
      throw new UnmatchedRequestError(message, diagnosis === undefined ? undefined : (JSON.parse(diagnosis) as Diagnosis));
    }
    if (code.startsWith("MOCKWIRE_CASSETTE_")) throw new CassetteError(code, message);
    if (code.startsWith("MOCKWIRE_INVALID_")) throw new InvalidArgumentError(message, code);
    throw thrown;
  }
}
