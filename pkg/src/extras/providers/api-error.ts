/** What goes wrong at a provider: the same words for all of them, each in its own envelope. */

/** What kind of error it is. Each provider has its own status and word for it. */
export type ApiErrorKind =
  | "authentication"
  | "billing"
  | "invalidRequest"
  | "notFound"
  | "overloaded"
  | "permission"
  | "rateLimit"
  | "requestTooLarge"
  | "server"
  | "timeout";

/** An error as JSON, the same in Rust. */
export interface ApiErrorJson {
  readonly kind: ApiErrorKind;
  readonly message?: string;
  readonly status?: number;
  readonly code?: string;
  readonly param?: string;
  /** In milliseconds. */
  readonly retryAfter?: number;
  readonly shouldRetry?: boolean;
  readonly inStream?: boolean;
}

/**
 * An error of a provider's API, which each provider writes in its own envelope. It is what a server says, and
 * no error of JavaScript's. A value: each method gives another one.
 *
 * @example
 * anthropic.messages(transport).retry(2, ApiError.overloaded().retryAfter(3000), "at last");
 */
export class ApiError {
  readonly #json: ApiErrorJson;

  /** An error of this kind. */
  constructor(kind: ApiErrorKind | ApiErrorJson) {
    this.#json = typeof kind === "object" ? kind : { kind };
  }

  /** The key is missing or wrong. */
  static authentication(): ApiError {
    return new ApiError("authentication");
  }

  /** There is no money left: to try again does not help. */
  static billing(): ApiError {
    return new ApiError("billing");
  }

  /** The request is not as it must be, for this reason. */
  static invalidRequest(message: string): ApiError {
    return new ApiError({ kind: "invalidRequest", message });
  }

  /** There is no such model or resource. */
  static notFound(): ApiError {
    return new ApiError("notFound");
  }

  /** Everybody asks at once: try again later. */
  static overloaded(): ApiError {
    return new ApiError("overloaded");
  }

  /** The key may not do this. */
  static permission(): ApiError {
    return new ApiError("permission");
  }

  /** The client asks too fast. For limits that count, see the `rateLimit` of each provider. */
  static rateLimit(): ApiError {
    return new ApiError("rateLimit");
  }

  /** The request is longer than the provider takes. */
  static requestTooLarge(): ApiError {
    return new ApiError("requestTooLarge");
  }

  /** Something is broken at the provider. */
  static server(): ApiError {
    return new ApiError("server");
  }

  /** The provider has taken too long. */
  static timeout(): ApiError {
    return new ApiError("timeout");
  }

  /** Says so in these words, instead of the provider's. */
  message(message: string): ApiError {
    return this.#with({ message });
  }

  /** With this status, instead of the kind's. */
  status(status: number): ApiError {
    return this.#with({ status });
  }

  /** With this word in the envelope, instead of the kind's: Anthropic's `type`, OpenAI's `code`, Gemini's `status`. */
  code(code: string): ApiError {
    return this.#with({ code });
  }

  /** Which parameter is wrong (OpenAI). */
  param(param: string): ApiError {
    return this.#with({ param });
  }

  /**
   * When to try again, in milliseconds: `retry-after` in whole seconds, rounded up, and where that loses
   * something and the provider knows it, `retry-after-ms`; with Gemini a `RetryInfo` in the body.
   */
  retryAfter(milliseconds: number): ApiError {
    return this.#with({ retryAfter: milliseconds });
  }

  /** Adds `x-should-retry`, which overrides what official clients think of the status. */
  shouldRetry(shouldRetry: boolean): ApiError {
    return this.#with({ shouldRetry });
  }

  /** As the first event of a stream that has begun with 200, where a stream is asked for. */
  inStream(): ApiError {
    return this.#with({ inStream: true });
  }

  /** The same in JSON, for Rust as well. */
  toJSON(): ApiErrorJson {
    return this.#json;
  }

  #with(change: Partial<ApiErrorJson>): ApiError {
    return new ApiError({ ...this.#json, ...change });
  }
}
