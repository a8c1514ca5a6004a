/** Turns at answering the messages of a session. */

import { HandlerError, InvalidArgumentError, StaleHandleError } from "../../index.js";
import { messageOf, shown } from "../../words.js";
import type { Host } from "./host.js";
import type { SessionMessage } from "./message.js";
import type { Session } from "./session.js";

/**
 * A turn at answering messages of one session, which has no other meanwhile.
 *
 * It is over when it is finished or has failed, when a later message pre-empts it, when the sessions are
 * killed, its session is removed, or the transport disposed.
 */
export class Turn<Content = any, Values extends object = Record<string, any>> {
  /** Whose messages these are. */
  readonly session: Session<Content, Values>;
  /** The messages to answer, in the order in which they were sent; at least one. */
  readonly messages: ReadonlyArray<SessionMessage<Content>>;
  /** How often this turn was taken, this time included: 1, unless it was interrupted. */
  readonly attempt: number;
  /** @internal */
  readonly number: number;
  readonly #host: Host;
  readonly #messages: readonly number[];
  readonly #controller = new AbortController();
  #isOver = false;

  /** @internal */
  constructor(
    host: Host,
    session: Session<Content, Values>,
    number: number,
    attempt: number,
    messages: readonly number[],
    contents: ReadonlyArray<SessionMessage<Content>>,
  ) {
    this.#host = host;
    this.session = session;
    this.number = number;
    this.attempt = attempt;
    this.#messages = messages;
    this.messages = contents;
  }

  /** Aborts when the turn is over although it was not finished; the reason says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The output so far, that of interrupted attempts included. Throws when the turn is over. */
  get output(): string[] {
    this.#assertGoingOn();
    return JSON.parse(this.#host.machine.output(this.session.number, this.number));
  }

  /** Adds a piece to the output. Throws when the turn is over: then the piece is part of no answer. */
  push(piece: string): void {
    if (typeof piece !== "string") throw new InvalidArgumentError(`push() takes a text, not ${shown(piece)}`);
    this.#assertGoingOn();
    this.#host.machine.push(this.session.number, this.number, piece);
  }

  /** Answers the messages with the output, and lets the session's next turn begin. Throws when it is over. */
  finish(): void {
    this.#finish(false);
  }

  /**
   * Answers the messages with a `HandlerError`, whose `cause` is this error, and lets the session's next
   * turn begin. The output is lost. Throws when the turn is over.
   */
  fail(error: unknown): void {
    this.#assertGoingOn();
    const key = this.#host.machine.keyText(this.session.number);
    const message = `the turn of the session ${key} failed: ${messageOf(error)}`;
    this.#host.fail(this.#messages, new HandlerError(message, error));
    this.#finish(true);
  }

  /** Gives the turn up: it will be taken again, with the output that it has had so far. */
  abandon(): void {
    this.#assertGoingOn();
    this.#host.endTurn(this.number, new StaleHandleError("the turn is over: it was abandoned"));
    this.#host.machine.interrupt(this.session.number, this.number);
    this.#host.settle();
  }

  /** @internal */
  end(reason: unknown): void {
    this.#isOver = true;
    if (reason !== undefined) this.#controller.abort(reason);
  }

  #finish(hasFailed: boolean): void {
    this.#assertGoingOn();
    this.#host.endTurn(this.number);
    this.#host.machine.finish(this.session.number, this.number, hasFailed, this.#host.waits.now());
    this.#host.settle();
  }

  #assertGoingOn(): void {
    this.#host.waits.now(); // throws when the transport is disposed
    if (this.#isOver) throw this.signal.reason ?? new StaleHandleError("the turn is over: it was finished");
  }
}
