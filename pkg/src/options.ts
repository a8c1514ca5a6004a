/** The options of a transport. */

import type { Timing } from "./clock.js";
import { InvalidArgumentError, shown } from "./errors.js";
import type { Chaos } from "./faults/chaos.js";
import type { ConcurrencyOptions } from "./limits/concurrency.js";
import type { RateLimit } from "./limits/rate-limit.js";
import type { Handler } from "./reply/handler.js";

/** How a transport behaves. Everything may be left out. */
export interface MockTransportOptions {
  /** What relative URLs are resolved against; in a page, the page's URL unless given. */
  readonly baseUrl?: string;
  readonly journal?: {
    /** How many requests are kept; then the oldest are forgotten. 16,384 unless given. */
    readonly requests?: number;
    /** How many bytes of a request's body are kept. 1 MiB unless given. */
    readonly bodyBytes?: number;
  };
  /** Names of header fields that are never printed, besides `authorization`, `cookie` and the like. */
  readonly redact?: readonly string[];
  /**
   * What a request gets that no rule matches. It counts as unmatched in any case: `verify()` fails.
   *
   * - `"error"` (the default): `fetch` rejects with an `UnmatchedRequestError`.
   * - a status: a reply with this status, the diagnosis as its text, and `x-should-retry: false`. The
   *   clients of Anthropic and OpenAI repeat every request that *rejects*, waiting in between; this
   *   one they report at once.
   * - a handler: what it returns.
   */
  readonly unmatched?: "error" | number | Handler;
  /**
   * Who moves the transport's time.
   *
   * - `"instant"` (the default): nobody waits. Whenever every promise callback has run, time steps to
   *   what is due next. What waits for something else, such as timers or I/O of the platform, is
   *   overtaken; what waits for no time at all, such as a held request, goes on waiting.
   * - `"manual"`: `advance()` alone.
   * - `"real"`: the platform, through its `setTimeout`; or the test runner, when it has replaced that.
   */
  readonly timing?: Timing;
  /**
   * Where the random numbers of scripts (`jitter`, random chunks) and of `chaos` come from: a whole number, 0
   * unless given. The same seed gives the same, on every machine, here and in Rust.
   */
  readonly seed?: number;
  /** How many exchanges may go on at once: on the whole transport, and with each host. Further requests wait. */
  readonly concurrency?: ConcurrencyOptions;
  /** How fast the transport answers; what is too much is refused before any rule is asked. */
  readonly rateLimit?: RateLimit | readonly RateLimit[];
  /** What goes wrong by chance with any rule's replies. */
  readonly chaos?: Chaos;
  /**
   * Which date the transport's time begins at: what the dates in header fields are told by. The beginning of
   * 2025 unless given; with `timing: "real"`, now.
   */
  readonly epoch?: Date | number;
  /**
   * Give platform `Response` objects. The usual ones are instances of `Response` as well and behave
   * alike, but are filled in on first use, so `Response.prototype.text.call(response)` does not work
   * on them. Costs 5 to 10 microseconds a response.
   */
  readonly realResponse?: boolean;
}

/** Everything left out. */
export const NO_OPTIONS: MockTransportOptions = Object.freeze({});

const KINDS: Readonly<Record<keyof MockTransportOptions, readonly string[]>> = {
  baseUrl: ["string"],
  journal: ["object"],
  redact: ["object"],
  unmatched: ["string", "number", "function"],
  timing: ["string"],
  seed: ["number"],
  concurrency: ["object"],
  rateLimit: ["object"],
  chaos: ["object"],
  epoch: ["number", "object"],
  realResponse: ["boolean"],
};

/** Refuses what a caller without types may have passed. */
export function checked(options: MockTransportOptions): MockTransportOptions {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError(`new MockTransport() takes an object with options, not ${shown(options)}`);
  }
  for (const name of Object.keys(options) as Array<keyof MockTransportOptions>) {
    const kinds = KINDS[name];
    const value: unknown = options[name];
    if (kinds === undefined) {
      throw new InvalidArgumentError(
        `new MockTransport() has no option \`${name}\`: known are ${Object.keys(KINDS).join(", ")}`,
      );
    }
    const fits = value === undefined || kinds.includes(typeof value);
    if (!fits || !inRange(name, value)) {
      throw new InvalidArgumentError(`new MockTransport(): the option \`${name}\` cannot be ${shown(value)}`);
    }
  }
  return options;
}

function inRange(name: keyof MockTransportOptions, value: unknown): boolean {
  const isCount = (count: unknown) => count === undefined || (Number.isSafeInteger(count) && (count as number) >= 0);
  if (value === undefined) return true;
  switch (name) {
    case "journal": {
      const { requests, bodyBytes } = (value ?? {}) as { requests?: unknown; bodyBytes?: unknown };
      return value !== null && isCount(requests) && isCount(bodyBytes);
    }
    case "chaos":
      return Array.isArray(value);
    case "concurrency":
    case "rateLimit":
      return value !== null;
    case "epoch":
      return (typeof value === "number" || value instanceof Date) && Number(value) >= 0 && Number(value) < Infinity;
    case "redact":
      return Array.isArray(value) && value.every((entry) => typeof entry === "string");
    case "seed":
      return isCount(value);
    case "timing":
      return value === "instant" || value === "manual" || value === "real";
    case "unmatched":
      return (
        value === "error" ||
        typeof value === "function" ||
        (Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599)
      );
    default:
      return true;
  }
}
