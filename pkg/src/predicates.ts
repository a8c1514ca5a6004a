/** The test's own functions, which the engine asks back for, by number: conditions, and what reads a request. */

import type { CapturedRequest } from "./captured.js";
import { listen } from "./engine.js";
import { type Check, HandlerError, messageOf } from "./errors.js";
import type { Exchange } from "./exchange.js";
import type { Journal } from "./journal.js";

/** Tells what a condition asks of a request, in parts. */
export type Explain = (request: CapturedRequest) => readonly Check[];

/** A function that tells whether a request is meant, and its name in messages; perhaps also what it asks. */
export class Predicate {
  readonly test: (request: CapturedRequest) => unknown;
  readonly label: string;
  readonly explain: Explain | undefined;

  constructor(test: (request: CapturedRequest) => unknown, label: string, explain?: Explain) {
    this.test = test;
    this.label = label;
    this.explain = explain;
  }

  /** Called by `JSON.stringify`, which is much slower with a replacer than with this. */
  toJSON(): object {
    return { id: enlist(this), label: this.label };
  }
}

/** A function that reads something off the request that is being decided, and its name in messages. */
export class Reading {
  readonly read: (request: CapturedRequest) => string | number;
  readonly label: string;

  constructor(read: (request: CapturedRequest) => string | number, label: string) {
    this.read = read;
    this.label = label;
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
/** The exchange that is being decided. */
let deciding: Exchange | undefined;
let isListening = false;

/** Makes a call of the engine, in which it may run predicates; about this exchange, where it decides. */
export function during<T>(transport: Asked, exchange: Exchange | undefined, call: () => T): T {
  // Predicates may use their own transport, or another one, and so come back here.
  const outer = { asked, deciding };
  asked = transport;
  deciding = exchange;
  try {
    return call();
  } finally {
    ({ asked, deciding } = outer);
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

/** What is to cross as numbers: each function among them gets one, as in `encode`. */
export function encodeNumbers(
  transport: Asked,
  values: ReadonlyArray<number | Reading>,
): { readonly numbers: Float64Array; readonly predicates: readonly number[] } {
  const predicates: number[] = [];
  const numbers = Float64Array.from(values, (value) => {
    if (typeof value === "number") return value;
    const number = transport.predicates.add(value);
    predicates.push(number);
    return number;
  });
  return { numbers, predicates };
}

/** The functions of one transport. */
export class Predicates {
  /** How deep we are in calls of the engine that may call back. */
  depth = 0;
  /** What a predicate threw during the engine's last call. */
  failure: HandlerError | undefined;
  readonly #known: Array<Predicate | Reading | undefined> = [];
  readonly #free: number[] = [];
  /** How many are the transport's own, and stay. */
  #kept = 0;

  /** Gives a function its number, good until it is released. */
  add(added: Predicate | Reading): number {
    if (!isListening) {
      listen(
        (id, sequence) => asked?.predicates.run(id, sequence, asked.journal) ?? false,
        (id) => asked?.predicates.read(id) ?? "",
        (id) => asked?.predicates.explain(id),
      );
    }
    isListening = true;
    const number = this.#free.pop() ?? this.#known.length;
    this.#known[number] = added;
    return number;
  }

  /** Those that there are now stay for good. */
  keep(): void {
    this.#kept = this.#known.length;
  }

  /** Gives the numbers back. */
  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#known[number] = undefined;
    this.#free.push(...numbers);
  }

  /** Called by the engine. */
  run(number: number, sequence: number, journal: Journal): boolean {
    // The journal may have forgotten one that had to wait.
    const exchange = deciding?.sequence === sequence ? deciding : journal.find(sequence);
    const predicate = this.#known[number];
    if (exchange === undefined || !(predicate instanceof Predicate)) return false;
    return this.#call(`the predicate ${predicate.label}`, () => truth(predicate.test(exchange.captured)));
  }

  /** Called by the engine, about the request that is being decided. */
  read(number: number): string | number {
    const exchange = deciding;
    const reading = this.#known[number];
    if (exchange === undefined || !(reading instanceof Reading)) return "";
    return this.#call(reading.label, () => reading.read(exchange.captured));
  }

  /** Called by the engine, about the request that is being decided: what a predicate asks, in texts by four. */
  explain(number: number): readonly string[] | undefined {
    const exchange = deciding;
    const predicate = this.#known[number];
    if (exchange === undefined || !(predicate instanceof Predicate)) return undefined;
    const checks = predicate.explain?.(exchange.captured);
    return checks?.flatMap(({ matcher, expected, actual, passed }) => [matcher, expected, actual, passed ? "passed" : ""]);
  }

  /** The failure of the last call, once. */
  takeFailure(): HandlerError | undefined {
    const { failure } = this;
    this.failure = undefined;
    return failure;
  }

  clear(): void {
    this.#known.length = this.#kept;
    this.#free.length = 0;
  }

  /** An exception is kept, because what crosses the boundary is only its text. */
  #call<T>(what: string, call: () => T): T {
    try {
      this.depth += 1;
      return call();
    } catch (thrown) {
      this.failure = new HandlerError(`${what} threw: ${messageOf(thrown)}`, thrown);
      throw thrown;
    } finally {
      this.depth -= 1;
    }
  }
}

function truth(answer: unknown): boolean {
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    throw new TypeError("a predicate answers at once: it returned a promise (an async function?)");
  }
  return Boolean(answer);
}
