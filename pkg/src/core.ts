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
import { Lines } from "./lines.js";
import { checked, type MockTransportOptions } from "./options.js";
import { Predicates } from "./predicates.js";
import { secretsWith, type Secrets } from "./redact.js";
import { Rules } from "./rules.js";
import { Alarms } from "./socket/alarms.js";
import { Waiters } from "./wait.js";

export class Core {
  readonly options: MockTransportOptions;
  readonly base: string | undefined;
  readonly bodyLimit: number;
  readonly secrets: Secrets;
  readonly engine: Engine;
  readonly lines: Lines;
  readonly predicates = new Predicates();
  /** Replaced by a new one when everything is reset. */
  journal: Journal;
  readonly rules: Rules;
  readonly waiters: Waiters;
  readonly alarms: Alarms;
  /** The exchanges that somebody waits for: what an abort or `dispose` ends early. */
  readonly inFlight = new Set<Exchange>();
  /** The transport's time, which moves only by `advance`. */
  now = 0;
  disposed = false;
  /** Who has to know of that. */
  readonly onDispose = new Set<() => void>();
  #freed = false;

  constructor(options: MockTransportOptions) {
    this.options = checked(options);
    this.base = checkedBase(options.baseUrl);
    this.bodyLimit = options.journal?.bodyBytes ?? 1024 * 1024;
    this.secrets = secretsWith(options.redact ?? []);
    const { journal, redact } = options;
    try {
      const given = journal === undefined && redact === undefined ? "{}" : JSON.stringify({ journal, redact });
      this.engine = newEngine(given, this.predicates.test);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message?: string };
      throw new MockwireError(code ?? "MOCKWIRE_INVALID_OPTION", `new MockTransport(): ${message}`, { cause });
    }
    this.lines = new Lines(this.engine);
    this.journal = new Journal(this.engine);
    this.rules = new Rules(this);
    this.waiters = new Waiters(this);
    this.alarms = new Alarms(this);
  }

  /** Moves the transport's time forward, and serves those who wait for that. */
  advance(milliseconds: number): void {
    this.engine.advance(milliseconds);
    this.now = this.engine.now();
    this.waiters.check();
    this.alarms.reach(this.now);
  }

  /** Throws when the transport is disposed: every method of the public classes calls this first. */
  assertUsable(): void {
    if (this.disposed) throw new DisposedError();
  }

  /** What the engine says about its last answer that was no reply. */
  lastError(): { readonly code: string; readonly message: string; readonly diagnosis?: Diagnosis } {
    return JSON.parse(this.engine.lastError());
  }

  /** Whether the last `FAILED` means that the line could not be read. */
  isMalformed(): boolean {
    return this.predicates.failure === undefined && this.lastError().code.startsWith("MOCKWIRE_INVALID_");
  }

  /** The error behind `UNMATCHED` and `FAILED`. */
  failure(answer: typeof UNMATCHED | typeof FAILED): MockwireError {
    const thrown = this.predicates.takeFailure();
    if (thrown !== undefined) return thrown;
    const { code, message, diagnosis } = this.lastError();
    if (answer === UNMATCHED) return new UnmatchedRequestError(message, diagnosis);
    if (code === "MOCKWIRE_SEQUENCE_EXHAUSTED") return new SequenceExhaustedError(code, message);
    if (code.startsWith("MOCKWIRE_HANDLER")) return new HandlerError(message, undefined);
    return new MockwireError(code, message);
  }

  /** Forgets rules, captures and states. Whoever waits for a reply, waits in vain. */
  reset(): void {
    this.rules.clear();
    this.#abandon("the transport was reset while the request was waiting for its reply");
    this.engine.reset();
    this.journal = new Journal(this.engine);
    this.predicates.clear();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#abandon();
    for (const listener of this.onDispose) listener();
    this.waiters.dispose();
    this.#free();
  }

  /**
   * Makes a call of the engine in which it may run predicates. One of them may dispose the transport;
   * then this throws the `DisposedError`.
   */
  ask<T>(call: (engine: Engine) => T): T {
    this.assertUsable();
    const answer = this.predicates.during(this.journal, () => call(this.engine));
    if (!this.disposed) return answer;
    this.#free();
    throw new DisposedError();
  }

  /** Ends what is going on. */
  #abandon(message?: string): void {
    for (const exchange of [...this.inFlight]) exchange.interrupt(new DisposedError(message));
  }

  #free(): void {
    // A predicate is called by the engine, which has to end that call first.
    if (this.#freed || this.predicates.depth > 0) return;
    this.#freed = true;
    this.engine.free();
  }
}
