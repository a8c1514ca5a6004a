/** What the parts of one transport share: the engine, and everything it knows by number. */

import { checkedBase } from "./address.js";
import { type Engine, FAILED, newEngine, UNMATCHED } from "./engine.js";
import {
  DisposedError,
  type Diagnosis,
  HandlerError,
  MockwireError,
  SequenceExhaustedError,
  UnmatchedRequestError,
} from "./errors.js";
import type { Exchange } from "./exchange.js";
import { Journal } from "./journal.js";
import { checked, type MockTransportOptions } from "./options.js";
import { Predicates } from "./predicates.js";
import { secretsWith, type Secrets } from "./redact.js";
import { Rules } from "./rules.js";
import { Waiters } from "./wait.js";

export class Core {
  readonly options: MockTransportOptions;
  readonly base: string | undefined;
  readonly bodyLimit: number;
  readonly secrets: Secrets;
  readonly engine: Engine;
  readonly predicates = new Predicates();
  /** Replaced by a new one when everything is reset. */
  journal: Journal;
  readonly rules: Rules;
  readonly waiters: Waiters;
  /** The exchanges that somebody waits for: what an abort or `dispose` ends early. */
  readonly inFlight = new Set<Exchange>();
  disposed = false;

  constructor(options: MockTransportOptions) {
    this.options = checked(options);
    this.base = checkedBase(options.baseUrl);
    this.bodyLimit = options.journal?.bodyBytes ?? 1024 * 1024;
    this.secrets = secretsWith(options.redact ?? []);
    const { seed, journal, redact } = options;
    this.engine = newEngine(JSON.stringify({ seed, journal, redact, unmatched: "error" }), this.predicates.test);
    this.journal = new Journal(this.engine);
    this.predicates.find = (sequence) => this.journal.find(sequence);
    this.rules = new Rules(this);
    this.waiters = new Waiters(this);
  }

  /** Throws when the transport is disposed: every method of the public classes calls this first. */
  assertUsable(): void {
    if (this.disposed) throw new DisposedError();
  }

  /** The error behind `UNMATCHED` and `FAILED`. */
  failure(answer: typeof UNMATCHED | typeof FAILED): MockwireError {
    const thrown = this.predicates.takeFailure();
    if (thrown !== undefined) return thrown;
    const { code, message, diagnosis } = JSON.parse(this.engine.lastError()) as {
      code: string;
      message: string;
      diagnosis?: Diagnosis;
    };
    if (answer === UNMATCHED) return new UnmatchedRequestError(message, diagnosis);
    if (code === "MOCKWIRE_SEQUENCE_EXHAUSTED") return new SequenceExhaustedError(code, message);
    if (code.startsWith("MOCKWIRE_HANDLER")) return new HandlerError(message, undefined);
    return new MockwireError(code, message);
  }

  /** What the path captured; the groups of a `RegExp` or `URLPattern` when the rule has one. */
  paramsOf(exchange: Exchange): Record<string, string> {
    const own = exchange.rule?.paramsOf(exchange.address.href);
    if (own !== undefined || exchange.isForgotten) return own ?? {};
    return JSON.parse(this.engine.params(exchange.sequence) || "{}") as Record<string, string>;
  }

  /** Forgets rules, captures and states. Whoever waits for a reply, waits in vain. */
  reset(): void {
    this.rules.clear();
    this.#abandon(new DisposedError("the transport was reset while the request was waiting for its reply"));
    this.engine.reset();
    this.journal = new Journal(this.engine);
    this.predicates.clear();
  }

  dispose(): void {
    if (this.disposed) return;
    this.rules.clear(true);
    this.disposed = true;
    this.#abandon(new DisposedError());
    this.waiters.dispose();
    // A predicate that disposes its transport is called by the engine: that call ends first.
    if (this.predicates.depth === 0) this.engine.free();
  }

  #abandon(reason: DisposedError): void {
    this.journal.close();
    for (const exchange of [...this.inFlight]) exchange.interrupt(reason);
  }

  /** After a call of the engine that may have run predicates. */
  settle(): void {
    if (this.disposed && this.predicates.depth === 0) this.engine.free();
  }
}
