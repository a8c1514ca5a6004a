/** One session: who it belongs to, what it remembers, and what is sent to it. */

import { DISPOSE } from "../../inspect.js";
import { StaleHandleError, State } from "../../index.js";
import { checked } from "../options.js";
import { assertWanted, isSignal } from "../signals.js";
import type { Host } from "./host.js";
import { keyOf, namesOf, type Names, type SessionKey } from "./key.js";
import type { Answer } from "./message.js";

/** What there is to know of a session. Times are of the transport, in milliseconds. */
export interface SessionInfo {
  readonly key: Required<SessionKey>;
  readonly createdAt: number;
  /** When it was last got or sent to, or finished a turn. */
  readonly lastActive: number;
  /** How many messages wait for their turn. */
  readonly waiting: number;
  /** How many messages the turn that is going on has; 0 when none is. */
  readonly running: number;
}

/** How a message is sent. */
export interface SendOptions {
  /** What the message is known by again; without one it is its whole content. */
  readonly id?: string | undefined;
  /** Gives up waiting for the answer. The message is answered all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** A session. It is there until it is removed; then everything but its key throws a `StaleHandleError`. */
export class Session<Content = any, Values extends object = Record<string, any>> {
  /** Who it belongs to. */
  readonly key: Required<SessionKey>;
  /** What it remembers. Its count of requests is that of the messages. */
  readonly state: State<Values>;
  /** @internal */
  readonly number: number;
  readonly #host: Host;

  /** @internal */
  constructor(host: Host, number: number, names: Names) {
    this.#host = host;
    this.number = number;
    this.key = keyOf(names);
    const { machine } = host;
    this.state = new State<Values>({
      assertUsable: () => void this.info,
      setState() {},
      deleteState() {},
      clearState: () => machine.clearState(number),
      requestCount: () => machine.requestCount(number),
    });
  }

  /** What there is to know of it, which does not count as used by that. */
  get info(): SessionInfo {
    const { machine, waits } = this.#host;
    waits.now(); // throws when the transport is disposed
    const [createdAt, lastActive, waiting, running] = machine.info(this.number);
    if (createdAt === undefined) throw new StaleHandleError("this handle is stale: the session is gone");
    return { key: this.key, createdAt, lastActive: lastActive!, waiting: waiting!, running: running! };
  }

  /**
   * Sends a message, a text or another value of JSON; its answer. Rejects
   *
   * - with a `DuplicateMessageError` when the session was sent it before, within `duplicateWindow`;
   * - with a `HandlerError` when the turn that it is part of fails;
   * - with a `StaleHandleError` when the session is removed, and a `DisposedError` when the transport is
   *   disposed, before it is answered;
   * - with the signal's reason when that aborts.
   */
  async send(content: Content, options: SendOptions = {}): Promise<Answer> {
    const tests = { id: (value: unknown) => typeof value === "string", signal: isSignal };
    const { id, signal } = checked("send()", options, tests);
    assertWanted(signal);
    const answer = this.#host.send(this.number, content, id);
    return signal === undefined ? answer : this.#host.waits.until(answer, signal);
  }
}

/** A place for a session that takes a while to make. */
export class Reservation<Content = any, Values extends object = Record<string, any>> {
  readonly #host: Host;
  #isOver = false;

  /** @internal */
  constructor(host: Host) {
    this.#host = host;
  }

  /** Creates the session. When that fails, the place is free again. */
  create(key: SessionKey): Session<Content, Values> {
    if (this.#isOver) throw new StaleHandleError("this handle is stale: the reserved place was used or freed");
    try {
      const names = namesOf(key);
      this.#host.waits.now(); // throws when the transport is disposed
      this.#isOver = true;
      return this.#host.create(names);
    } finally {
      this.release();
    }
  }

  /** Frees the place, if no session was created on it. */
  release(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.machine.unreserve();
  }

  [DISPOSE](): void {
    this.release();
  }
}
