/** The test's own conditions: functions that the engine asks back for, by number. */

import type { CapturedRequest } from "./captured.js";
import { onPredicate } from "./engine.js";
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

/** Whose predicates the engine may run, and on which requests. */
export interface Asked {
  readonly journal: Journal;
  readonly predicates: Predicates;
}

/** The transport whose engine is being called. The engine holds on to none: one that was forgotten can be collected. */
let asked: Asked | undefined;
let isListening = false;

/** Makes a call of the engine, in which it may run predicates. */
export function during<T>(transport: Asked, call: () => T): T {
  // Predicates may use their own transport, or another one, and so come back here.
  const outer = asked;
  asked = transport;
  try {
    return call();
  } finally {
    asked = outer;
  }
}

/**
 * What is to cross to the engine, as JSON: each predicate in it gets a number of this transport, good
 * until it is released.
 */
export function encode(
  transport: Asked,
  specification: object,
): { readonly json: string; readonly predicates: readonly number[] } {
  const predicates: number[] = [];
  const outer = enlist;
  enlist = (predicate) => {
    const number = transport.predicates.add(predicate);
    predicates.push(number);
    return number;
  };
  try {
    return { json: JSON.stringify(specification), predicates };
  } finally {
    enlist = outer;
  }
}

/** The predicates of one transport. */
export class Predicates {
  /** How deep we are in calls of the engine that may call back. */
  depth = 0;
  /** What a predicate threw during the engine's last call. */
  failure: HandlerError | undefined;
  readonly #known: Array<Predicate | undefined> = [];
  readonly #free: number[] = [];

  /** Gives a predicate its number, good until it is released. */
  add(predicate: Predicate): number {
    if (!isListening) onPredicate((id, sequence) => asked?.predicates.run(id, sequence, asked.journal) ?? false);
    isListening = true;
    const number = this.#free.pop() ?? this.#known.length;
    this.#known[number] = predicate;
    return number;
  }

  /** Gives the numbers back. */
  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#known[number] = undefined;
    this.#free.push(...numbers);
  }

  /** Called by the engine. An exception is kept, because what crosses the boundary is only its text. */
  run(number: number, sequence: number, journal: Journal): boolean {
    const exchange = journal.find(sequence);
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
  }

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
