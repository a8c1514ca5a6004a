/**
 * How a client behaved: what its retries are worth, said of the requests that a transport has captured.
 *
 * @packageDocumentation
 */

import type { VerdictMachine } from "mockwire-extras";
import {
  type CapturedRequest,
  InvalidArgumentError,
  type MockTransport,
  type Outcome,
  type Rule,
  VerificationError,
} from "../index.js";
import { base64 } from "../bytes.js";
import { named } from "../named.js";
import { shown } from "../words.js";
import { machines } from "./machines.js";
import { checked, isCount, isFunction } from "./options.js";

/** By what a client is judged. */
export interface VerdictOptions {
  /** Only the calls that this rule has answered, wholly or in part. */
  readonly rule?: Rule;
  /**
   * Which call a request is an attempt of: the same key, the same call, whatever else is in it. Requests
   * without one (`undefined`) are grouped as usual.
   */
  readonly groupBy?: (request: CapturedRequest) => string | undefined;
  /** A header that carries an idempotency key, besides `idempotency-key` and `x-idempotency-key`. */
  readonly idempotencyHeader?: string;
  /**
   * By what share of it chance may change a wait, from 0 to 1: 0.25 unless given. With 1 ("full jitter")
   * single waits say nothing: then they need only be there.
   */
  readonly jitter?: number;
  /** How many attempts a call may have; more are a storm. 10 unless given. */
  readonly maxAttempts?: number;
}

/** How bad a {@link Finding} is: good to know, a risk, or against what the server or the standard says. */
export type Severity = "note" | "warning" | "error";

/** What a client wanted once, and all requests that it made for that. */
export interface Call {
  /** Method and URL of the first request. */
  readonly request: string;
  /** The requests, in order of arrival. There is at least one. */
  readonly attempts: readonly Attempt[];
  /** What there is to say about them. */
  readonly findings: readonly Finding[];
}

/** One request of a {@link Call}. Times are milliseconds. */
export interface Attempt {
  /** The number of the request on its transport. */
  readonly sequence: number;
  /** When it was made. */
  readonly at: number;
  /**
   * How long after the client knew how the attempt before went; `null` for the first one, and for one that
   * did not wait for that.
   */
  readonly waited: number | null;
  /** The status of the answer, once its head has come. */
  readonly status: number | null;
  /** How long the answer asks to wait before another attempt, and the header that says so. */
  readonly asked: Asked | null;
  /** How the exchange went: `done` when the body was taken to its end, `pending` when it was left. */
  readonly outcome: Outcome;
  /** How many bytes of the answer's body the client has taken. */
  readonly delivered: number;
}

/** How long an answer asks to wait. */
export interface Asked {
  /** How many milliseconds, from the moment when the answer came. 0 when the time has passed. */
  readonly wait: number;
  readonly field: "retry-after" | "retry-after-ms";
}

/** Something that a client did. Requests are named by their numbers. */
export type Finding = {
  readonly severity: Severity;
  /** What the client did. */
  readonly text: string;
  /** What to do about it. */
  readonly advice: string;
} & (
  | { readonly kind: "body-cancelled" | "body-left-open" | "retried-at-once"; readonly sequences: readonly number[] }
  | { readonly kind: "did-not-back-off"; readonly sequences: readonly number[]; readonly waits: readonly number[] }
  | { readonly kind: "futile-retry"; readonly sequence: number; readonly after: number; readonly status: number }
  | { readonly kind: "gave-up"; readonly sequences: readonly number[]; readonly status: number | null }
  | { readonly kind: "hedged"; readonly sequences: readonly number[]; readonly safe: boolean }
  | {
      readonly kind: "idempotency-key-changed";
      readonly header: string;
      readonly first: number;
      readonly sequences: readonly number[];
    }
  | {
      readonly kind: "idempotency-key-missing";
      readonly method: string;
      readonly sequences: readonly number[];
      readonly unknown: readonly number[];
    }
  | {
      readonly kind: "idempotency-key-reused";
      readonly header: string;
      readonly first: number;
      readonly sequence: number;
    }
  | { readonly kind: "never-retried"; readonly sequence: number; readonly status: number | null }
  | {
      readonly kind: "retried-too-early";
      readonly sequence: number;
      readonly after: number;
      readonly asked: Asked;
      readonly waited: number;
    }
  | { readonly kind: "too-many-attempts"; readonly sequences: readonly number[]; readonly limit: number }
);

/** A client has not behaved as expected. The message shows the calls in which it has not. */
export class ResilienceError extends VerificationError {
  static {
    named(this, "ResilienceError");
  }

  /** The calls in which it has not, with what was found there. */
  readonly calls: readonly Call[];

  constructor(message: string, calls: readonly Call[]) {
    super(message);
    this.calls = calls;
  }
}

/**
 * How the client of a transport behaved so far. Ask when the run is over: a body that is being read counts
 * as left open.
 *
 * Requests are attempts of one call when they have the same idempotency key or request id, or the same
 * method, URL and body, until one of them succeeds; `groupBy` overrules that. The rest is in the
 * documentation of the Rust crate's module `verdict`, which decides.
 *
 * @example
 * const transport = new MockTransport({ timing: "real" });
 * transport.post("/v1/messages").retry(1, reply.json({}, { status: 429, headers: { "retry-after": "1" } }), message);
 * await client.messages.create({ ... });
 *
 * verdict(transport).expectHonouredRetryAfter();
 * console.log(String(verdict(transport)));
 */
export function verdict(transport: MockTransport, options: VerdictOptions = {}): Verdict {
  if (typeof transport?.requests !== "function") {
    throw new InvalidArgumentError(`verdict() takes a transport first, not ${shown(transport)}`);
  }
  const isShare = (value: unknown) => typeof value === "number" && value >= 0 && value <= 1;
  const isRule = (value: unknown) => typeof (value as Partial<Rule> | null)?.requests === "function";
  const isText = (value: unknown) => typeof value === "string";
  const tests = { rule: isRule, groupBy: isFunction, idempotencyHeader: isText, jitter: isShare, maxAttempts: isCount };
  return new Verdict(factsOf(transport, checked("verdict()", options, tests)));
}

/** How a client behaved: as data, as text (`String(verdict)`) and as assertions. From {@link verdict}. */
export class Verdict {
  /** The calls, in the order of their first requests. */
  readonly calls: readonly Call[];
  /** How many requests the journal had forgotten when the verdict was made: nothing is said of them. */
  readonly forgotten: number;
  /** Whether nothing was found that is an error or a warning. */
  readonly isResilient: boolean;
  readonly #text: string;
  readonly #machine: VerdictMachine;

  /** @internal */
  constructor(facts: string) {
    this.#machine = new (machines().VerdictMachine)(facts);
    const { calls, forgotten, resilient, text } = JSON.parse(this.#machine.json()) as Judged;
    this.calls = calls;
    this.forgotten = forgotten;
    this.isResilient = resilient;
    this.#text = text;
  }

  /** What there is to say, call by call. */
  get findings(): Finding[] {
    return this.calls.flatMap(({ findings }) => findings);
  }

  /** The call that has the request with this number. */
  callOf(sequence: number): Call | undefined {
    return this.calls.find(({ attempts }) => attempts.some((attempt) => attempt.sequence === sequence));
  }

  /** Throws a `ResilienceError` if something was found that is an error or a warning. */
  expectResilient(): void {
    this.#expect("resilient");
  }

  /** Throws if an attempt came before the time that the answer before had asked for. */
  expectHonouredRetryAfter(): void {
    this.#expect("honouredRetryAfter");
  }

  /** Throws if the client did not wait, or not longer each time, where no answer says how long. */
  expectBackedOff(): void {
    this.#expect("backedOff");
  }

  /** Throws if a call had more attempts than this, the first one included. */
  expectMaxAttempts(limit: number): void {
    if (!isCount(limit)) throw new InvalidArgumentError(`expectMaxAttempts() takes a number, not ${shown(limit)}`);
    this.#expect("maxAttempts", limit);
  }

  /**
   * Throws if attempts may do harm twice: those of a call have different idempotency keys, or none and a
   * method that is not idempotent, or a key stands for two calls.
   */
  expectIdempotent(): void {
    this.#expect("idempotent");
  }

  /** Throws if the body of an answer was not read to its end. */
  expectBodiesDrained(): void {
    this.#expect("bodiesDrained");
  }

  /** Throws if the body of an answer was neither read to its end nor cancelled. */
  expectBodiesReleased(): void {
    this.#expect("bodiesReleased");
  }

  /** Throws if something was tried again that another attempt does not change. */
  expectNoFutileRetries(): void {
    this.#expect("noFutileRetries");
  }

  /** Throws if a call ended with an answer that is worth another attempt, or without one. */
  expectNeverGaveUp(): void {
    this.#expect("neverGaveUp");
  }

  /** Throws if an attempt was made while another one of the same call was going on. */
  expectNotHedged(): void {
    this.#expect("notHedged");
  }

  /** The whole story: each call that there is something to say about, its attempts, and what was found. */
  toString(): string {
    return this.#text;
  }

  #expect(assertion: string, limit = 0): void {
    const violation = this.#machine.violation(assertion, limit);
    if (violation === "") return;
    const { message, calls } = JSON.parse(violation) as Violated;
    throw new ResilienceError(message, calls);
  }
}

interface Judged {
  readonly calls: readonly Call[];
  readonly forgotten: number;
  readonly resilient: boolean;
  readonly text: string;
}

interface Violated {
  readonly message: string;
  readonly calls: readonly Call[];
}

/** What the machine is told, as JSON. */
function factsOf(transport: MockTransport, options: VerdictOptions): string {
  const { rule, groupBy, idempotencyHeader, jitter, maxAttempts } = options;
  const requests = transport.requests();
  return JSON.stringify({
    epoch: transport.epoch.valueOf(),
    forgotten: transport.droppedRequests,
    rule: rule?.requests().map(({ sequence }) => sequence),
    idempotencyHeaders: idempotencyHeader === undefined ? [] : [idempotencyHeader],
    jitter,
    maxAttempts,
    requests: requests.map((request) => factOf(request, groupBy?.(request))),
  });
}

function factOf(request: CapturedRequest, key: string | undefined): object {
  const { sequence, at, answeredAt, endedAt, method, url, outcome, status, errorCode, delivered } = request;
  return {
    sequence,
    at,
    head: answeredAt,
    end: endedAt,
    method,
    url,
    headers: [...request.headers],
    ...bodyOf(request),
    status,
    responseHeaders: [...(request.responseHeaders ?? [])],
    outcome,
    code: errorCode,
    delivered,
    key,
  };
}

/** The body as text, where it is text. */
function bodyOf(request: CapturedRequest): { readonly text: string } | { readonly base64: string } {
  const text = request.text();
  return text.includes("\ufffd") ? { base64: base64(request.bytes()) } : { text };
}
