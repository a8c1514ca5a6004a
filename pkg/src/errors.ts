/**
 * What can go wrong, as classes.
 *
 * Every error has a `code`, the same word as in the Rust crate. Compare codes or classes, never
 * messages: those are for people and may change.
 */

import { named } from "./named.js";

/** @internal */
export { messageOf, shown } from "./words.js";

/** An error of the mock transport: what went wrong, where, and what to do about it. */
export class MockwireError extends Error {
  static {
    named(this, "MockwireError");
  }

  /** A stable name for the kind of error, such as `MOCKWIRE_UNMATCHED`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * No rule matched the request. The message names the nearest rules and what each of them missed.
 *
 * It is deliberately not a `TypeError`, the class of a failed connection: code that retries what
 * the network did should not retry what the test forgot.
 */
export class UnmatchedRequestError extends MockwireError {
  static {
    named(this, "UnmatchedRequestError");
  }

  /** The message again, as data. */
  readonly diagnosis: Diagnosis | undefined;

  constructor(message: string, diagnosis?: Diagnosis) {
    super("MOCKWIRE_UNMATCHED", message);
    this.diagnosis = diagnosis;
  }

  /**
   * The first line alone. Clients search this text for words such as "timeout", which the header
   * fields of a request may contain, and then report something that has not happened.
   */
  override toString(): string {
    return `${this.name}: ${this.message.split("\n", 1)[0]}`;
  }
}

/** Why a request matched no rule. Secrets are redacted. */
export interface Diagnosis {
  /** Method and URL. */
  readonly request: string;
  /** The number of the request on its transport, from 1. */
  readonly sequence: number;
  /** The header fields. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  /** The beginning of the body. */
  readonly body: string;
  /** At most three rules, the nearest first. */
  readonly nearest: readonly NearMiss[];
  /** How many rules there were. */
  readonly rules: number;
  /** What to do, where that is plain: a WebSocket came where a plain request is expected. */
  readonly hint?: string;
}

/** A rule, and why it did not answer. */
export interface NearMiss {
  /** The rule, in words. */
  readonly rule: string;
  /** Where it was registered: `file:line:column`. */
  readonly site: string;
  /** How far the request is from the rule; 0 when everything it asks for is there. */
  readonly distance: number;
  /** Each thing that the rule asks for. */
  readonly checks: readonly Check[];
  /** Why the rule was out of play although it may fit: used up, or in another scenario state. */
  readonly excluded: unknown;
}

/** One thing that a rule asks for, and what was found. */
export interface Check {
  /** What it looks at: `header x-plan`, `JSON /model`, `query page`. */
  readonly matcher: string;
  /** What it asks for. */
  readonly expected: string;
  /** What was found; empty when it passed. */
  readonly actual: string;
  /** Whether it passed. */
  readonly passed: boolean;
}

/** What a test expected of its transport did not happen. */
export class VerificationError extends MockwireError {
  static {
    named(this, "VerificationError");
  }

  constructor(message: string) {
    super("MOCKWIRE_VERIFICATION", message);
  }
}

/** A rule cannot be made like this: the message names the part, its value and what would be right. */
export class InvalidRuleError extends MockwireError {
  static {
    named(this, "InvalidRuleError");
  }
}

/** A reply cannot be made like this: a status out of range, a body on a 204, a value that is no JSON. */
export class InvalidReplyError extends MockwireError {
  static {
    named(this, "InvalidReplyError");
  }
}

/** An argument of the wrong type, or an unknown option. */
export class InvalidArgumentError extends MockwireError {
  static {
    named(this, "InvalidArgumentError");
  }

  constructor(message: string, code = "MOCKWIRE_INVALID_OPTION") {
    super(code, message);
  }
}

/**
 * `fetch` was called with something that the platform's `fetch` refuses as well: a malformed URL, a
 * forbidden method, an invalid header. A `TypeError`, because that is what the platform throws.
 */
export class InvalidRequestError extends TypeError {
  static {
    named(this, "InvalidRequestError");
  }

  /** Which part of the request: `MOCKWIRE_INVALID_URL`, `.._METHOD`, `.._HEADER_NAME`, ... */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A handler, predicate or stream of the test threw; `cause` is what it threw. */
export class HandlerError extends MockwireError {
  static {
    named(this, "HandlerError");
  }

  constructor(message: string, cause: unknown) {
    super("MOCKWIRE_HANDLER_FAILED", message, { cause });
  }
}

/** A sequence of replies has given them all, and was not told to repeat or to cycle. */
export class SequenceExhaustedError extends MockwireError {
  static {
    named(this, "SequenceExhaustedError");
  }
}

/** So many requests wait to be admitted that no more may: see the option `concurrency.maxWaiting`. */
export class QueueFullError extends MockwireError {
  static {
    named(this, "QueueFullError");
  }
}

/** The transport is disposed: it answers nothing any more. */
export class DisposedError extends MockwireError {
  static {
    named(this, "DisposedError");
  }

  constructor(message = "the transport is disposed: create a new one for further requests") {
    super("MOCKWIRE_DISPOSED", message);
  }
}

/** A handle refers to something that is gone: a removed rule, a held request that was answered. */
export class StaleHandleError extends MockwireError {
  static {
    named(this, "StaleHandleError");
  }

  constructor(message: string) {
    super("MOCKWIRE_STALE_HANDLE", message);
  }
}

/** What was waited for did not happen before the deadline, in the transport's time. */
export class WaitTimeoutError extends MockwireError {
  static {
    named(this, "WaitTimeoutError");
  }

  constructor(message: string) {
    super("MOCKWIRE_TIMED_OUT", message);
  }
}

/**
 * A WebSocket connection did not come about, was lost, or is closed: what the `error` event of the client's
 * socket carries, and what the server's end throws that has no connection any more. The codes are
 * `MOCKWIRE_HANDSHAKE_REFUSED`, `MOCKWIRE_PROTOCOL_MISMATCH`, `MOCKWIRE_MISSING_FIELD`,
 * `MOCKWIRE_INVALID_CONNECTION`, `MOCKWIRE_CONNECTION_RATE_EXCEEDED`, `MOCKWIRE_SOCKET_ABORTED` and
 * `MOCKWIRE_SOCKET_CLOSED`.
 */
export class SocketError extends MockwireError {
  static {
    named(this, "SocketError");
  }
}

/** A rule lets no more connections be made for now: the handshake was refused with 429. */
export class ConnectionRateError extends SocketError {
  static {
    named(this, "ConnectionRateError");
  }

  /** How many milliseconds until there may be another, in the transport's time. */
  readonly retryAfter: number;

  constructor(code: string, message: string, retryAfter: number) {
    super(code, message);
    this.retryAfter = retryAfter;
  }
}

/** Another transport is installed as `globalThis.fetch`. */
export class AlreadyInstalledError extends MockwireError {
  static {
    named(this, "AlreadyInstalledError");
  }

  constructor(message: string) {
    super("MOCKWIRE_ALREADY_INSTALLED", message);
  }
}
