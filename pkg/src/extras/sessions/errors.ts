/** What can go wrong with sessions, besides the errors of the main entry point. */

import { InvalidArgumentError, MockwireError, StaleHandleError } from "../../index.js";
import { named } from "../../named.js";

/** There are as many sessions as there may be. */
export class SessionLimitError extends MockwireError {
  static {
    named(this, "SessionLimitError");
  }

  /** How many there may be. */
  readonly limit: number;

  constructor(message: string, limit: number) {
    super("MOCKWIRE_SESSION_LIMIT", message);
    this.limit = limit;
  }
}

/** A session was sent this message before, within its `duplicateWindow`. */
export class DuplicateMessageError extends MockwireError {
  static {
    named(this, "DuplicateMessageError");
  }

  /** How many milliseconds ago the first one was sent, in the transport's time. */
  readonly ago: number;

  constructor(message: string, ago: number) {
    super("MOCKWIRE_DUPLICATE_MESSAGE", message);
    this.ago = ago;
  }
}

/** The error behind what the machine has thrown or answered. */
export function errorOf(said: unknown, limit: number): Error {
  const { code, message, ago } = said as { code: string; message: string; ago?: number };
  switch (code) {
    case "MOCKWIRE_DUPLICATE_MESSAGE":
      return new DuplicateMessageError(message, ago!);
    case "MOCKWIRE_INVALID_SESSION":
      return new InvalidArgumentError(message, code);
    case "MOCKWIRE_SESSION_LIMIT":
      return new SessionLimitError(message, limit);
    case "MOCKWIRE_STALE_HANDLE":
      return new StaleHandleError(message);
    default:
      return new MockwireError(code, message);
  }
}
