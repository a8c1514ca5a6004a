/** One request's life: from its arrival to the last byte of its reply, or to its abrupt end. */

import type { Address } from "./address.js";
import { encode, NO_BYTES } from "./bytes.js";
import { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import { block, type HeaderList } from "./headers.js";
import type { Engine } from "./engine.js";
import { UnmatchedRequestError } from "./errors.js";
import type { Incoming, RedirectMode, RequestBody } from "./incoming.js";
import { type Pieces, StaticBody } from "./reply/body.js";
import type { Head } from "./reply/head.js";
import type { Reply } from "./reply/reply.js";
import type { Rule } from "./rule.js";
import type { SocketMessage } from "./socket/message.js";
import { Trace } from "./trace.js";
import { codeOf, messageOf } from "./words.js";

/**
 * How an exchange went: `pending` until the client has taken the body to its end, then `done`;
 * `cancelled` when the client gave up, `failed` when it got an error, `unmatched` when no rule fits.
 */
export type Outcome = "pending" | "done" | "cancelled" | "failed" | "unmatched";

/** The numbers of the ends that the engine is told about. */
const ENDS = { done: 0, cancelled: 1, failed: 2, unmatched: 3 } as const;

/**
 * One exchange on this side of the boundary, where its reply is performed. It keeps what was sent and
 * how it went for whoever asks; the engine is told when it is asked about it.
 */
export class Exchange {
  readonly core: Core;
  readonly address: Address;
  readonly method: string;
  readonly headers: HeaderList;
  readonly signal: AbortSignal | undefined;
  readonly redirect: RedirectMode;
  /** How many redirects led here. */
  readonly hops: number;
  /** Its number on the transport, from 1; 0 until it is journaled. */
  sequence = 0;
  /** The body; `undefined` while it is arriving. */
  body: RequestBody | undefined;
  /** Whether the end of the body was cut off, because the journal keeps only so much. */
  truncated = false;
  /** The rule that answers, the reply that it gives, and the engine's number for that. */
  rule: Rule | undefined;
  reply: Reply | undefined;
  number = -1;
  /** The head of the response, once there is one. */
  head: Head | undefined;
  /** JSON: what the rule's path captured, when it captures anything. */
  captures: string | undefined;
  /** Whether the engine has the headers and the body. */
  hydrated = false;
  /** When it arrived, in the transport's time. */
  readonly at: number;
  outcome: Outcome = "pending";
  /** What went wrong, when the outcome is `failed`. */
  error: string | undefined;
  /** What is not to be told from its arrival. */
  trace: Trace | undefined;
  /** What the client has taken of the reply's body: all of it, whose length few want to know, or so many bytes. */
  taken: StaticBody | number = 0;
  /** Whether it is over, and whether the engine knows how it ended. */
  #isOver = false;
  #isTold = false;
  #stop: ((reason: unknown) => void) | undefined;
  #onAbort: (() => void) | undefined;
  #captured: CapturedRequest | undefined;
  #content: StaticBody | undefined;

  constructor(core: Core, request: Incoming, hops = 0) {
    this.core = core;
    this.address = request.address;
    this.method = request.method;
    this.headers = request.headers;
    this.body = request.body;
    this.signal = request.signal;
    this.redirect = request.redirect;
    this.hops = hops;
    this.at = core.now;
  }

  /** The request as the test sees it. */
  get captured(): CapturedRequest {
    return (this.#captured ??= new CapturedRequest(this));
  }

  /** What was sent over a WebSocket, when this was the handshake of one. */
  get messages(): readonly SocketMessage[] {
    return [];
  }

  /** Whether it is the handshake of a WebSocket. */
  get isSocket(): boolean {
    return false;
  }

  /** How many more of them there were than are kept. */
  get droppedMessages(): number {
    return 0;
  }

  /** How many bytes of the reply's body the client has taken. */
  get delivered(): number {
    return typeof this.taken === "number" ? this.taken : this.taken.byteLength;
  }

  /** When a rule was found. */
  get matchedAt(): number | undefined {
    return this.rule && (this.trace?.matched ?? this.at);
  }

  /** When the client got the head of the response. */
  get answeredAt(): number | undefined {
    return this.head && (this.trace?.head ?? this.at);
  }

  /** When it was over. */
  get endedAt(): number | undefined {
    return this.outcome === "pending" ? undefined : (this.trace?.end ?? this.at);
  }

  /** The body for reading, converted at most once; `undefined` when there is none. */
  get content(): StaticBody | undefined {
    return this.body == null ? undefined : (this.#content ??= new StaticBody(this.body));
  }

  /** Whether it is over. */
  get ended(): boolean {
    return this.#isOver;
  }

  get aborted(): boolean {
    return this.signal?.aborted === true;
  }

  headerBlock(): string {
    return block(this.headers);
  }

  bodyBytes(): Uint8Array {
    return this.content?.bytes ?? NO_BYTES;
  }

  /** What the path captured; the groups of a `RegExp` or `URLPattern` when the rule has one. */
  params(): Record<string, string> {
    if (this.captures !== undefined) return JSON.parse(this.captures) as Record<string, string>;
    return this.rule?.groupsOf(this.address.href) ?? {};
  }

  /** The engine's text for this request, when the reply is a template. */
  render(): string {
    return this.core.engine.render(this.sequence, this.number);
  }

  /** A rule was found now. */
  match(rule: Rule | undefined): void {
    this.rule = rule;
    const { now } = this.core;
    if (now !== this.at) this.#noted.matched = now;
  }

  /** The client gets this head now. */
  answer(head: Head): void {
    this.head = head;
    const { now } = this.core;
    if (now !== this.at) this.#noted.head = now;
  }

  /** The client gets a body whose pieces are all there. */
  hasReady(pieces: Pieces): void {
    this.#noted.ready = pieces;
  }

  /** The client takes so many bytes more. */
  take(bytes: number): void {
    this.taken = this.delivered + bytes;
  }

  /** The client takes a piece of so many bytes, which has a time of its own. */
  takeFrame(bytes: number): void {
    this.take(bytes);
    this.#noted.addFrame(this.core.now, bytes);
  }

  /** The exchange is over, as the client gets this error. Only the first call counts. */
  fail(thrown: unknown): void {
    const code = codeOf(thrown);
    if (code !== undefined && !this.#isOver) this.#noted.code = code;
    if (!(thrown instanceof UnmatchedRequestError)) return this.finish("failed", messageOf(thrown));
    // A handler may have found nothing that fits, such as one that replays what was recorded. The engine counts it.
    this.finish("unmatched");
    if (!this.core.disposed) this.tell(this.core.engine);
  }

  /** The exchange is over. Only the first call counts. */
  finish(outcome: keyof typeof ENDS, error?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { now } = this.core;
    if (now !== this.at) this.#noted.end = now;
    if (!this.#isTold) {
      this.outcome = outcome;
      this.error = error;
    }
    if (this.#stop !== undefined) this.#release();
    if (this.body != null && this.body.length > this.core.bodyLimit) this.#truncate(this.body);
    // It may hold what others wait for.
    this.core.admission?.over(this);
  }

  /** Its peer is dead: it fails, although the client does not know yet. */
  lose(error: Error): void {
    const stop = this.#stop;
    this.core.losses.set(this, error);
    this.#noted.isKilled = true;
    this.fail(error);
    stop?.(error);
  }

  /** Why it was lost before the client had taken all of it, if it was. */
  get loss(): Error | undefined {
    return this.#isOver ? this.core.lossOf(this) : undefined;
  }

  /** The engine has no reply for it, and knows that: whatever the client gets, this is how it ended. */
  refuse(outcome: "failed" | "unmatched", error: string): void {
    this.outcome = outcome;
    if (outcome === "failed") this.error = error;
    this.#isTold = true;
  }

  /** Tells the engine what has happened since the last time. */
  tell(engine: Engine): void {
    if (!this.hydrated && this.body !== undefined) {
      this.hydrated = true;
      engine.hydrate(this.sequence, this.headerBlock(), this.bodyBytes());
    }
    const { outcome, head } = this;
    if (this.#isTold || outcome === "pending") return;
    this.#isTold = true;
    if (head !== undefined) engine.answered(this.sequence, head.status, block(head.headers));
    const number = this.core.admission?.numberOf(this);
    if (number === undefined) engine.finish(this.sequence, ENDS[outcome], this.delivered, this.error ?? "");
    else engine.finishExchange(number, ENDS[outcome], this.delivered, this.error ?? "");
  }

  /** Calls `stop` when the caller aborts or the transport is disposed, until `unguard` or the end. */
  guard(stop: (reason: unknown) => void): void {
    if (this.ended) return;
    this.#release();
    this.#stop = stop;
    this.core.addInFlight(this);
    const { signal } = this;
    if (signal === undefined) return;
    if (signal.aborted) return this.interrupt(signal.reason);
    this.#onAbort = () => this.interrupt(signal.reason);
    signal.addEventListener("abort", this.#onAbort);
  }

  /** Takes `stop` back, unless another guard has taken its place. */
  unguard(stop: (reason: unknown) => void): void {
    if (this.#stop === stop) this.#release();
  }

  /** Ends the exchange with the reason that its caller, or its transport, gives. */
  interrupt(reason: unknown): void {
    const stop = this.#stop;
    this.finish("cancelled");
    stop?.(reason);
  }

  /** `work`, unless the caller aborts or the transport is disposed before it is done. */
  race<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.guard(reject);
      work.then(
        (value) => {
          this.unguard(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.unguard(reject);
          reject(error);
        },
      );
    });
  }

  /** The exchange is over, and the journal keeps only so much of a body. */
  #truncate(body: string | Uint8Array): void {
    const bytes = typeof body === "string" ? encode(body) : body;
    this.#noted.bodyLength = bytes.length;
    this.body = bytes.slice(0, this.core.bodyLimit);
    this.truncated = true;
    this.#content = undefined;
  }

  get #noted(): Trace {
    return (this.trace ??= new Trace());
  }

  #release(): void {
    if (this.#onAbort !== undefined) this.signal?.removeEventListener("abort", this.#onAbort);
    this.core.removeInFlight(this);
    this.#stop = this.#onAbort = undefined;
  }
}
