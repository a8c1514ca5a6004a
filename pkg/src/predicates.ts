/** The test's own conditions: functions that the engine asks back for, by number. */

import type { CapturedRequest } from "./captured.js";
import { HandlerError, messageOf } from "./errors.js";
import type { Exchange } from "./exchange.js";

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
 * The predicates of one transport. The engine holds on to this object and not to the transport, so
 * that a forgotten transport can be collected.
 */
export class Predicates {
  /** Whom the engine is asked about at the moment. */
  current: Exchange | undefined;
  /** How deep we are in calls of the engine that may call back. */
  depth = 0;
  /** What a predicate threw during the engine's last call. */
  failure: HandlerError | undefined;
  /** Finds a journaled exchange, for queries over many of them. */
  find: (sequence: number) => Exchange | undefined = () => undefined;
  readonly #known: Array<Predicate | undefined> = [];
  readonly #free: number[] = [];

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
  readonly test = (number: number, sequence?: number): boolean => {
    const exchange = this.current?.sequence === sequence || sequence === undefined ? this.current : this.find(sequence);
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
