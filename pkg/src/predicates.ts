/** The test's own conditions: functions that the engine asks back for, by number. */

import type { CapturedRequest } from "./captured.js";
import { HandlerError, messageOf } from "./errors.js";
import type { Journal } from "./journal.js";

/** A function that tells whether a request is meant, and its name in messages. */
export class Predicate {
  readonly test: (request: CapturedRequest) => unknown;
  readonly label: string;

  constructor(test: (request: CapturedRequest) => unknown, label: string) {
    this.test = test;
    this.label = label;
  }

  /** Called by `JSON.stringify`, which is much slower with a replacer than with this. */
  toJSON(): object {
    return { id: enlist(this), label: this.label };
  }
}

/** Gives a predicate its number while it is being encoded; otherwise there is none to give. */
let enlist = (_predicate: Predicate): number => -1;

/**
 * The predicates of one transport. The engine holds on to this object, which therefore does not hold
 * on to the transport: one that was forgotten can be collected.
 */
export class Predicates {
  /** How deep we are in calls of the engine that may call back. */
  depth = 0;
  /** What a predicate threw during the engine's last call. */
  failure: HandlerError | undefined;
  /** Where the requests are that the engine may ask about: only while it may, see {@link during}. */
  #journal: Journal | undefined;
  readonly #known: Array<Predicate | undefined> = [];
  readonly #free: number[] = [];

  /** Makes a call of the engine, in which it may run predicates on the requests of the journal. */
  during<T>(journal: Journal, call: () => T): T {
    // Predicates may use their own transport, and so come back here.
    const outer = this.#journal;
    this.#journal = journal;
    try {
      return call();
    } finally {
      this.#journal = outer;
    }
  }

  /**
   * What is to cross to the engine, as JSON: each predicate in it gets a number, good until it is
   * released.
   */
  encode(specification: object): { readonly json: string; readonly predicates: readonly number[] } {
    const predicates: number[] = [];
    const outer = enlist;
    enlist = (predicate) => {
      const number = this.#free.pop() ?? this.#known.length;
      this.#known[number] = predicate;
      predicates.push(number);
      return number;
    };
    try {
      return { json: JSON.stringify(specification), predicates };
    } finally {
      enlist = outer;
    }
  }

  /** Gives the numbers back. */
  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#known[number] = undefined;
    this.#free.push(...numbers);
  }

  /** Called by the engine. An exception is kept, because what crosses the boundary is only its text. */
  readonly test = (number: number, sequence: number): boolean => {
    const exchange = this.#journal?.find(sequence);
    const predicate = this.#known[number];
    if (exchange === undefined || predicate === undefined) return false;
    try {
      this.depth += 1;
      return truth(predicate.test(exchange.captured));
    } catch (thrown) {
      this.failure = new HandlerError(`the predicate ${predicate.label} threw: ${messageOf(thrown)}`, thrown);
      throw thrown;
    } finally {
      this.depth -= 1;
    }
  };

  /** The failure of the last call, once. */
  takeFailure(): HandlerError | undefined {
    const { failure } = this;
    this.failure = undefined;
    return failure;
  }

  clear(): void {
    this.#known.length = this.#free.length = 0;
  }
}

function truth(answer: unknown): boolean {
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    throw new TypeError("a predicate answers at once: it returned a promise (an async function?)");
  }
  return Boolean(answer);
}
