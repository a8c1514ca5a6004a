/**
 * The response that `fetch` gives: a `Response` for everyone who looks, built only as far as looked.
 *
 * Most of the cost of a platform `Response` is its body stream, which nearly nobody touches: clients
 * call `json()` or `text()`. So a static body stays what it is, text or bytes, until `body` is asked for.
 */

import { Address } from "./address.js";
import type { Core } from "./core.js";
import { Exchange } from "./exchange.js";
import { NO_HEADERS, readOnlyHeaders, valueOf } from "./headers.js";
import { INSPECT } from "./inspect.js";
import { type LiveBody, StaticBody } from "./reply/body.js";
import { forbidsBody, type Head } from "./reply/head.js";
import { type StaticStream, staticStream } from "./body-stream.js";
import { liveStream } from "./live-stream.js";
import { keepPlatformFetch } from "./local.js";
import { printable } from "./redact.js";

export class MockResponse {
  readonly #exchange: Exchange;
  readonly #head: Head;
  /** The body when it is known as a whole; `null` when there is none, or `#live` has it. */
  readonly #static: StaticBody | null;
  /** The platform's response around a body that comes in pieces: it does all the reading. */
  readonly #live: Response | undefined;
  #stream: StaticStream | undefined;
  #used = false;
  #headers: Headers | undefined;

  constructor(exchange: Exchange, head: Head, body: StaticBody | LiveBody | Response | null) {
    this.#exchange = exchange;
    this.#head = head;
    if (body === null || exchange.method === "HEAD") {
      this.#static = null;
      exchange.finish("done");
    } else if (body instanceof StaticBody) {
      this.#static = body;
    } else {
      this.#static = null;
      this.#live = body instanceof Response ? body : new Response(liveStream(body, exchange), platformInit(head));
    }
  }

  get status(): number {
    return this.#head.status;
  }

  get statusText(): string {
    return this.#head.statusText;
  }

  get ok(): boolean {
    return this.#head.status < 300;
  }

  get headers(): Headers {
    return (this.#headers ??= readOnlyHeaders(this.#head.headers, this.#exchange.core.secrets));
  }

  get url(): string {
    return this.#head.origin?.url ?? this.#exchange.address.href;
  }

  get redirected(): boolean {
    return this.#exchange.hops > 0 || this.#head.origin?.redirected === true;
  }

  get type(): ResponseType {
    return "basic";
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#live !== undefined) return this.#live.body;
    if (this.#static === null) return null;
    if (this.#stream === undefined) {
      this.#stream = staticStream(this.#static, this.#exchange);
      if (this.#used) seal(this.#stream.stream);
    }
    return this.#stream.stream;
  }

  get bodyUsed(): boolean {
    return this.#live?.bodyUsed ?? (this.#used || this.#stream?.isDisturbed() === true);
  }

  async text(): Promise<string> {
    return this.#live === undefined ? (this.#take()?.text ?? "") : this.#live.text();
  }

  async json(): Promise<unknown> {
    return this.#live === undefined ? JSON.parse(this.#take()?.text ?? "") : this.#live.json();
  }

  async bytes(): Promise<Uint8Array> {
    if (this.#live !== undefined) return new Uint8Array(await this.#live.arrayBuffer());
    return this.#take()?.bytes.slice() ?? new Uint8Array();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#live === undefined
      ? (this.#take()?.bytes.slice().buffer ?? new ArrayBuffer(0))
      : this.#live.arrayBuffer();
  }

  async blob(): Promise<Blob> {
    return (this.#live ?? this.#taken()).blob();
  }

  async formData(): Promise<FormData> {
    return (this.#live ?? this.#taken()).formData();
  }

  clone(): Response {
    if (this.#live !== undefined) return asPlatform(new MockResponse(this.#exchange, this.#head, this.#live.clone()));
    if (this.#isUnusable()) throw new TypeError("Response.clone: Body has already been consumed.");
    if (this.#stream !== undefined) {
      // As the platform does it: both go on with new streams, and the old one is locked for good.
      seal(this.#stream.stream);
      this.#stream = undefined;
    }
    return asPlatform(new MockResponse(this.#exchange, this.#head, this.#static));
  }

  [INSPECT](_depth: number, options: object, inspect?: (value: unknown, options: object) => string): string {
    const { status, statusText, ok, type, url, redirected, bodyUsed } = this;
    const headers = Object.fromEntries(printable(this.#head.headers, this.#exchange.core.secrets));
    const shown = { status, statusText, ok, type, url, redirected, headers, bodyUsed };
    return `Response ${inspect?.(shown, options) ?? JSON.stringify(shown)}`;
  }

  #isUnusable(): boolean {
    return this.#used || (this.#stream !== undefined && (this.#stream.stream.locked || this.#stream.isDisturbed()));
  }

  /** The static body, for the one caller who may have it. `null` when there is none. */
  #take(): StaticBody | null {
    const body = this.#static;
    if (body === null) return null;
    if (this.#isUnusable()) throw new TypeError("Body is unusable: Body has already been read");
    this.#used = true;
    const exchange = this.#exchange;
    const { loss } = exchange;
    if (loss !== undefined) throw loss;
    if (exchange.aborted) {
      exchange.finish("cancelled");
      throw exchange.signal!.reason;
    }
    exchange.taken = body;
    exchange.finish("done");
    if (this.#stream !== undefined) seal(this.#stream.stream);
    return body;
  }

  /** The static body in a platform response, for what only the platform can make of it. */
  #taken(): Response {
    const contentType = valueOf(this.#head.headers, "content-type");
    const body = this.#take();
    return new Response(
      body?.bytes ?? null,
      contentType === undefined ? {} : { headers: { "content-type": contentType } },
    );
  }
}

/** A response that is a platform object through and through, for clients that check its inside. */
export function platformResponse(exchange: Exchange, response: Response): Response {
  const { status, statusText } = response;
  const real = new Response(response.body, { status, statusText, headers: [...response.headers] });
  if (response.body === null) exchange.finish("done");
  return asFetched(real, response);
}

/** Says of a response that was made by hand what only a fetched one has, and of its clones. */
function asFetched(made: Response, { url, redirected, type }: Response): Response {
  const clone = () => asFetched(Response.prototype.clone.call(made), made);
  return Object.defineProperties(made, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
    clone: { value: clone },
  });
}

/** Makes every `MockResponse` an instance of the platform's class. Once, when the first one is near. */
export function adoptPlatform(): void {
  if (MockResponse.prototype instanceof Response) return;
  keepPlatformFetch();
  Object.setPrototypeOf(MockResponse.prototype, Response.prototype);
  Object.setPrototypeOf(MockResponse, Response);
  for (const name of Object.getOwnPropertyNames(MockResponse.prototype)) {
    Object.defineProperty(MockResponse.prototype, name, name === "constructor" ? { value: Response } : { enumerable: true });
  }
  specimens.push(specimen());
}

/**
 * What stays for good. V8 forgets what the instances of a class look like when a collection finds none, as between
 * two tests, and all code with it that it has optimised for them. One of what each request makes spares it that.
 */
const specimens: MockResponse[] = [];

/** The response of an exchange that never was, on no transport. */
function specimen(): MockResponse {
  const exchange = new Exchange({ now: 0 } as Core, {
    address: new Address(""),
    method: "GET",
    headers: NO_HEADERS,
    body: null,
    arriving: undefined,
    signal: undefined,
    redirect: "follow",
  });
  const head = { delay: 0, status: 200, statusText: "", headers: NO_HEADERS, location: undefined };
  return new MockResponse(exchange, head, null);
}

export function asPlatform(response: MockResponse): Response {
  return response as unknown as Response;
}

/** Locks a stream for good and empties it. */
function seal(stream: ReadableStream<Uint8Array>): void {
  // Cancelling tells the source, whose exchange has ended already: it does not listen any more.
  stream
    .getReader()
    .cancel()
    .catch(() => {});
}

function platformInit({ status, statusText, headers }: Head): ResponseInit {
  const contentType = valueOf(headers, "content-type");
  if (forbidsBody(status)) throw new TypeError(`a response with status ${status} has no body`);
  return { status, statusText, headers: contentType === undefined ? {} : { "content-type": contentType } };
}
