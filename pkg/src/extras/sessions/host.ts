/** What the parts of `Sessions` share: the machine, and everything that it knows by number. */

import type { SessionsMachine } from "mockwire-extras";
import { InvalidArgumentError, StaleHandleError } from "../../index.js";
import { shown } from "../../words.js";
import type { Waits } from "../waits.js";
import { errorOf } from "./errors.js";
import type { Names } from "./key.js";
import type { Answer, SessionMessage } from "./message.js";
import { Session } from "./session.js";
import { Turn } from "./turn.js";

/** Takes a turn that has begun. @internal */
export type Taker = (turn: Turn<any, any>) => void;

/** A message that was not answered yet. */
interface Unanswered {
  readonly message: SessionMessage;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** @internal */
export class Host {
  readonly machine: SessionsMachine;
  readonly waits: Waits;
  readonly #limit: number;
  readonly #sessions = new Map<number, Session<any, any>>();
  readonly #unanswered = new Map<number, Unanswered>();
  /** Those that are going on. */
  readonly #turns = new Map<number, Turn<any, any>>();
  readonly #takers: Taker[] = [];
  #isWaking = false;
  readonly #end = (reason: unknown) => {
    for (const turn of [...this.#turns.values()]) this.endTurn(turn.number, reason);
    for (const { reject } of this.#unanswered.values()) reject(reason);
    this.#unanswered.clear();
  };

  constructor(machine: SessionsMachine, waits: Waits, limit: number) {
    this.machine = machine;
    this.waits = waits;
    this.#limit = limit;
  }

  /** Keeps a place for a session. */
  reserve(): void {
    this.waits.now(); // throws when the transport is disposed
    this.#asking(() => this.machine.reserve());
  }

  /** Creates a session on a place that was kept. */
  create(names: Names): Session<any, any> {
    const now = this.waits.now();
    const number = this.#asking(() => this.machine.create(...names, now));
    const session = new Session(this, number, names);
    this.#sessions.set(number, session);
    return session;
  }

  /** How many more sessions there may be. */
  get available(): number {
    return this.#limit === Infinity ? Infinity : this.machine.available();
  }

  session(number: number): Session<any, any> {
    return this.#sessions.get(number)!;
  }

  remove(number: number): void {
    this.#sessions.delete(number);
    this.machine.remove(number);
    this.settle("its session was removed");
  }

  send(session: number, content: unknown, id: string | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const now = this.waits.now();
      const json = jsonOf(content);
      const isObject = typeof content === "object";
      const number = this.#asking(() => this.machine.send(session, json, isObject, id, now));
      if (this.#unanswered.size === 0) this.waits.enter(this.#end);
      this.#unanswered.set(number, { message: Object.freeze({ id, content }), resolve, reject });
      this.settle("a later message has pre-empted it");
    });
  }

  /** Has turns begin for this one, in order of arrival, until it leaves. */
  enter(taker: Taker): void {
    this.#takers.push(taker);
    this.#wake();
  }

  leave(taker: Taker): void {
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
  }

  /** A turn is over, or given up. Its own `signal` tells why, where there is a reason. */
  endTurn(number: number, reason?: unknown): void {
    const turn = this.#turns.get(number);
    this.#turns.delete(number);
    turn?.end(reason);
  }

  /** The messages of a turn that has failed are answered with this. */
  fail(messages: readonly number[], error: unknown): void {
    for (const number of messages) {
      this.#unanswered.get(number)?.reject(error);
      this.#forget(number);
    }
  }

  /** Tells those who wait what the machine has decided. `cause` is why turns are over, if any are. */
  settle(cause = "it was interrupted"): void {
    for (let turn = this.machine.over(); turn !== 0; turn = this.machine.over()) {
      if (this.#turns.has(turn)) this.endTurn(turn, new StaleHandleError(`the turn is over: ${cause}`));
    }
    for (let number = this.machine.answered(); number !== 0; number = this.machine.answered()) {
      const unanswered = this.#unanswered.get(number);
      const answer = JSON.parse(this.machine.answer(number));
      if (unanswered === undefined) continue;
      this.#forget(number);
      if (answer.code === undefined) unanswered.resolve({ ...answer, text: answer.output.join("") });
      else unanswered.reject(errorOf(answer, this.#limit));
    }
    this.#wake();
  }

  #forget(number: number): void {
    this.#unanswered.delete(number);
    if (this.#unanswered.size === 0) this.waits.leave(this.#end);
  }

  /** Has the next turns begin, when the messages that are sent together are all there. */
  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    void Promise.resolve().then(() => {
      this.#isWaking = false;
      // Whoever takes a turn may dispose the transport.
      while (!this.waits.isOver && this.#takers.length > 0) {
        const [session, number, attempt, ...messages] = this.machine.begin();
        if (session === undefined) return;
        const contents = messages.map((message) => this.#unanswered.get(message)!.message);
        const turn = new Turn(this, this.session(session), number!, attempt!, messages, contents);
        this.#turns.set(number!, turn);
        this.#takers[0]!(turn);
      }
    });
  }

  #asking<T>(call: () => T): T {
    try {
      return call();
    } catch (said) {
      throw errorOf(said, this.#limit);
    }
  }
}

function jsonOf(content: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(content);
  } catch {
    // It refers to itself, or has a number that JSON has not.
  }
  if (json !== undefined) return json;
  throw new InvalidArgumentError(`a message cannot be ${shown(content)}: it is a value of JSON`, "MOCKWIRE_INVALID_JSON");
}
