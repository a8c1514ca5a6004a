/** A request as the test sees it: in handlers, predicates and assertions. */

import type { Exchange, Outcome } from "./exchange.js";
import { pairs, readOnlyHeaders } from "./headers.js";
import { INSPECT } from "./inspect.js";
import { printable } from "./redact.js";
import type { Rule } from "./rule.js";
import type { SocketMessage } from "./socket/message.js";

/**
 * A snapshot of a request, made when it arrived, and what became of it. The request does not change;
 * `outcome`, `status` and `delivered` tell the present state.
 *
 * `Params` are the captures of the rule's path, `Body` is what `json()` gives.
 */
export class CapturedRequest<Params = Record<string, string>, Body = any> {
  readonly #exchange: Exchange;
  #headers: Headers | undefined;
  #responseHeaders: Headers | undefined;
  #params: Params | undefined;
  #json: { readonly value: Body } | undefined;

  /** @internal */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** The number of the request on its transport, from 1, in order of arrival. */
  get sequence(): number {
    return this.#exchange.sequence;
  }

  /** When it arrived: milliseconds of the transport's time. */
  get at(): number {
    return this.#exchange.at;
  }

  /** When the client got the head of the response: milliseconds of the transport's time. */
  get answeredAt(): number | undefined {
    return this.#exchange.answeredAt;
  }

  /** When it was over, however it ended: milliseconds of the transport's time. */
  get endedAt(): number | undefined {
    return this.#exchange.endedAt;
  }

  /** How many milliseconds it waited to be admitted: see the option `concurrency`. */
  get queued(): number {
    return this.#exchange.core.admission?.queued(this.#exchange) ?? 0;
  }

  get method(): string {
    return this.#exchange.method;
  }

  /** The whole URL, without a fragment. */
  get url(): string {
    return this.#exchange.address.href;
  }

  /** The path of the URL, as it was sent. */
  get path(): string {
    return new URL(this.url).pathname;
  }

  /** The query of the URL. */
  get query(): URLSearchParams {
    return new URL(this.url).searchParams;
  }

  /** The header fields that were sent. Read-only; printed without secrets. */
  get headers(): Headers {
    return (this.#headers ??= readOnlyHeaders(this.#exchange.headers, this.#exchange.core.secrets));
  }

  /** What the path of the winning rule captured, by name. Empty when it captures nothing. */
  get params(): Params {
    return (this.#params ??= this.#exchange.params() as Params);
  }

  /** The rule that answered, if one did. */
  get rule(): Rule | undefined {
    return this.#exchange.rule;
  }

  /**
   * How the exchange went: `pending` until the client has taken the body to its end, then `done`;
   * `cancelled` when the client gave up, `failed` when it got an error, `unmatched` when no rule fits.
   */
  get outcome(): Outcome {
    return this.#exchange.outcome;
  }

  /** The status of the response, once there is one. */
  get status(): number | undefined {
    return this.#exchange.head?.status;
  }

  /** The header fields of the response, once there is one. */
  get responseHeaders(): Headers | undefined {
    const { head, core } = this.#exchange;
    return head && (this.#responseHeaders ??= readOnlyHeaders(head.headers, core.secrets));
  }

  /** How many bytes of the response's body the client has taken. */
  get delivered(): number {
    return this.#exchange.delivered;
  }

  /** What both sides have sent over the connection, when the request was the handshake of a WebSocket. */
  get messages(): readonly SocketMessage[] {
    return this.#exchange.messages;
  }

  /** What went wrong, when the outcome is `failed`. */
  get error(): string | undefined {
    return this.#exchange.error;
  }

  /** The code of what went wrong, where it has one: `ECONNRESET`, say, of a connection that was reset. */
  get errorCode(): string | undefined {
    return this.#exchange.trace?.code;
  }

  /** Whether the body was longer than the journal keeps (`journal.bodyBytes`). */
  get truncated(): boolean {
    return this.#exchange.truncated;
  }

  /** The body as text; empty when there is none. */
  text(): string {
    return this.#exchange.content?.text ?? "";
  }

  /**
   * The body as JSON, parsed once. Throws a `SyntaxError` when it is not JSON.
   *
   * @example transport.lastRequest()?.json().model
   */
  json<T = Body>(): T {
    this.#json ??= { value: this.#parsed() };
    return this.#json.value as unknown as T;
  }

  #parsed(): Body {
    try {
      return JSON.parse(this.text()) as Body;
    } catch (cause) {
      const { method, url, sequence } = this;
      const message = `the body of ${method} ${url} (request #${sequence}) is not JSON: ${(cause as Error).message}`;
      throw new SyntaxError(message, { cause });
    }
  }

  /** A copy of the body's bytes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#exchange.content?.bytes.slice() ?? new Uint8Array();
  }

  /** A platform `Request` like the one that was made, to pass it on. */
  toRequest(init?: RequestInit): Request {
    const { method } = this;
    const body = method === "GET" || method === "HEAD" ? null : this.bytes();
    return new Request(this.url, { method, headers: pairs(this.#exchange.headers), body, ...init });
  }

  /** `#2 POST https://api.test/v1/messages -> 200 (done, 512 bytes)` */
  toString(): string {
    const { sequence, method, url, status, outcome, delivered } = this;
    const answer = status === undefined ? "" : ` -> ${status}`;
    return `#${sequence} ${method} ${url}${answer} (${outcome}, ${delivered} bytes)`;
  }

  /** For `JSON.stringify`: without secrets. */
  toJSON(): object {
    const { sequence, at, method, url, outcome, status, delivered } = this;
    const headers = Object.fromEntries(printable(this.#exchange.headers, this.#exchange.core.secrets));
    return { sequence, at, method, url, headers, body: this.text(), outcome, status, delivered };
  }

  [INSPECT](_depth: number, options: object, inspect?: (value: unknown, options: object) => string): string {
    const shown = this.toJSON();
    return `CapturedRequest ${inspect?.(shown, options) ?? JSON.stringify(shown)}`;
  }
}
