/**
 * Sessions on a transport's time: who talks to whom, in what order, and what has been answered.
 *
 * @packageDocumentation
 */

import { InvalidArgumentError } from "../index.js";
import { shown } from "../words.js";
import { machines } from "./machines.js";
import { checked, isCount, isPositive, isTime } from "./options.js";
import { Host } from "./sessions/host.js";
import { namesOf, type SessionKey } from "./sessions/key.js";
import { serve, type ServeOptions, type TurnHandler } from "./sessions/serve.js";
import { Reservation, type Session, type SessionInfo } from "./sessions/session.js";
import type { Turn } from "./sessions/turn.js";
import { assertWanted, isSignal } from "./signals.js";
import { type TransportTime, Waits } from "./waits.js";

export { DuplicateMessageError, SessionLimitError } from "./sessions/errors.js";
export type { SessionKey } from "./sessions/key.js";
export type { Answer, SessionMessage } from "./sessions/message.js";
export type { ServeOptions, TurnHandler, TurnOutput } from "./sessions/serve.js";
export type { Reservation, SendOptions, Session, SessionInfo } from "./sessions/session.js";
export type { Turn } from "./sessions/turn.js";
export type { TransportTime } from "./waits.js";

/** How {@link Sessions} behave. */
export interface SessionsOptions {
  /** How many sessions there may be at one time, together with the reserved ones. Any number unless given. */
  readonly limit?: number;
  /** How many of the messages that wait when a turn begins it takes at most. 1 unless given. */
  readonly batch?: number;
  /**
   * What becomes of unfinished messages when another one is sent to the same session.
   *
   * - `"queue"` (the default): the later one waits for its turn.
   * - `"preempt"`: the later one ends them: each is answered with what output there is by then, and
   *   `isPartial`.
   */
  readonly burst?: "queue" | "preempt";
  /**
   * For how many milliseconds of the transport's time a session refuses a message that it was sent before:
   * one with the same id, or without an id and with the same content. It remembers them all for so long.
   * Five minutes unless given; 0: never.
   */
  readonly duplicateWindow?: number;
}

/**
 * Sessions by their key, each with a `state` and messages that are answered in order. A session has one turn
 * at a time; turns of different sessions overlap.
 *
 * @example
 * const transport = new MockTransport();
 * const sessions = new Sessions(transport, { limit: 10 });
 * sessions.serve(async function* (turn) {
 *   yield "hello, ";
 *   await transport.sleep(100);
 *   yield turn.session.key.user;
 * });
 *
 * const session = sessions.create({ user: "ada", thread: "notes" });
 * const { text } = await session.send("hi"); // "hello, ada", 100 ms later
 *
 * @typeParam Content What messages say: values of JSON.
 * @typeParam Values What the state of a session has: the values by their keys.
 */
export class Sessions<Content = any, Values extends object = Record<string, any>> {
  readonly #host: Host;

  /** No sessions yet, on the time of this transport. */
  constructor(transport: TransportTime, options: SessionsOptions = {}) {
    const waits = new Waits(transport, "new Sessions()");
    const tests = {
      limit: (value: unknown) => value === Infinity || isCount(value),
      batch: (value: unknown) => value === Infinity || isPositive(value),
      burst: (value: unknown) => value === "queue" || value === "preempt",
      duplicateWindow: isTime,
    };
    const { limit = Infinity, batch = 1, burst, duplicateWindow = 300_000 } = checked("new Sessions()", options, tests);
    const given = (count: number) => (count === Infinity ? undefined : count);
    const machine = new (machines().SessionsMachine)(given(limit), given(batch), burst === "preempt", duplicateWindow);
    this.#host = new Host(machine, waits, limit);
  }

  /**
   * Creates a session. Throws a `SessionLimitError` when there are as many as there may be, and an
   * `InvalidArgumentError` when there is one of this key.
   */
  create(key: SessionKey): Session<Content, Values> {
    const names = namesOf(key);
    this.#host.reserve();
    return this.#host.create(names);
  }

  /**
   * Keeps a place for a session that takes a while to make. However many reserve at once, there are never
   * more places than the limit. Throws a `SessionLimitError` when there is none.
   */
  reserve(): Reservation<Content, Values> {
    this.#host.reserve();
    return new Reservation(this.#host);
  }

  /** The session of this key, which then counts as used now. */
  get(key: SessionKey): Session<Content, Values> | undefined {
    const names = namesOf(key);
    const now = this.#host.waits.now();
    const number = this.#host.machine.find(...names);
    if (number === 0) return undefined;
    this.#host.machine.touch(number, now);
    return this.#host.session(number);
  }

  /** The session of this key, which is created when there is none. */
  getOrCreate(key: SessionKey): Session<Content, Values> {
    return this.get(key) ?? this.create(key);
  }

  /** All sessions, in the order of their creation. None counts as used. */
  list(): SessionInfo[] {
    return Array.from(this.#host.machine.list(), (number) => this.#host.session(number).info);
  }

  /** How many sessions there are. */
  get size(): number {
    return this.#host.machine.list().length;
  }

  /** How many more there may be; `Infinity` without a limit. */
  get available(): number {
    return this.#host.available;
  }

  /** Removes a session. Whether there was one. Who waits for its answers gets a `StaleHandleError`. */
  remove(key: SessionKey): boolean {
    this.#host.waits.now(); // throws when the transport is disposed
    const number = this.#host.machine.find(...namesOf(key));
    if (number !== 0) this.#host.remove(number);
    return number !== 0;
  }

  /**
   * Removes the sessions that nobody has used for so many milliseconds and that have no unfinished
   * messages; their keys, in the order of their creation.
   */
  removeInactive(milliseconds: number): Array<Required<SessionKey>> {
    if (!isTime(milliseconds)) {
      throw new InvalidArgumentError(`removeInactive() takes milliseconds, not ${shown(milliseconds)}`);
    }
    const inactive = this.#host.machine.inactive(milliseconds, this.#host.waits.now());
    return Array.from(inactive, (number) => {
      const { key } = this.#host.session(number);
      this.#host.remove(number);
      return key;
    });
  }

  /**
   * Answers messages with a function: it pushes pieces, or returns a text, or is a generator of pieces. When
   * it throws, who waits for these messages gets a `HandlerError`. When its turn is interrupted, nobody
   * waits for it any more, and `turn.signal` tells it.
   */
  serve(handler: TurnHandler<Content, Values>, options: ServeOptions = {}): void {
    serve(this.#host, handler, options);
  }

  /**
   * Waits for the turn whose message was sent first, among all sessions that have none going on. Whoever
   * takes it finishes it. Rejects when the signal aborts, and when the transport is disposed.
   */
  nextTurn(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Turn<Content, Values>> {
    return new Promise((resolve, reject) => {
      const { signal } = checked("nextTurn()", options, { signal: isSignal });
      const { waits } = this.#host;
      waits.now(); // throws when the transport is disposed
      assertWanted(signal);
      const leave = () => {
        this.#host.leave(take);
        waits.leave(fail);
        signal?.removeEventListener("abort", abort);
      };
      const take = (turn: Turn<Content, Values>) => {
        leave();
        resolve(turn);
      };
      const fail = (reason: unknown) => {
        leave();
        reject(reason);
      };
      const abort = () => fail(signal!.reason);
      waits.enter(fail);
      signal?.addEventListener("abort", abort);
      this.#host.enter(take);
    });
  }

  /**
   * What happens to the process that hosts the sessions: all turns are interrupted, and none begins.
   * Messages can be sent all the same. Nothing is lost: after {@link restart} each interrupted turn is
   * taken again, before what was sent later, with the output that it has had so far.
   */
  kill(): void {
    this.#host.waits.now(); // throws when the transport is disposed
    this.#host.machine.kill();
    this.#host.settle("the sessions were killed");
  }

  /** Lets turns begin again. */
  restart(): void {
    this.#host.waits.now(); // throws when the transport is disposed
    this.#host.machine.restart();
    this.#host.settle();
  }
}
