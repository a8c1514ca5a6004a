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
}

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
  readonly #known: Predicate[] = [];

  /** The number by which the engine knows the predicate. */
  number(predicate: Predicate): number {
    const known = this.#known.indexOf(predicate);
    return known >= 0 ? known : this.#known.push(predicate) - 1;
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
    this.#known.length = 0;
  }
}

function truth(answer: unknown): boolean {
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    throw new TypeError("a predicate answers at once: it returned a promise (an async function?)");
  }
  return Boolean(answer);
}
