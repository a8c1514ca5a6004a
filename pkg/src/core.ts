/** What the parts of one transport share: the engine, and everything it knows by number. */

import { checkedBase } from "./address.js";
import { Clock } from "./clock.js";
import type { RuleDraft } from "./draft.js";
import { type Engine, FAILED, newEngine, recycle, UNMATCHED } from "./engine.js";
import {
  DisposedError,
  type Diagnosis,
  HandlerError,
  MockwireError,
  SequenceExhaustedError,
  UnmatchedRequestError,
} from "./errors.js";
import type { Exchange } from "./exchange.js";
import { Gates } from "./gates.js";
import { Journal } from "./journal.js";
import type { Line } from "./lines.js";
import { checked, type MockTransportOptions, NO_OPTIONS } from "./options.js";
import { during, Predicates } from "./predicates.js";
import { secretsWith, type Secrets } from "./redact.js";
import type { Reply } from "./reply/reply.js";
import type { Rule } from "./rule.js";
import { Rules, type SequenceEnd } from "./rules.js";
import { State } from "./state.js";
import type { Place } from "./site.js";
import { Waiters } from "./wait.js";

/**
 * Made for each transport, and many suites make one for each test: what few transports need is made
 * when it is needed.
 */
export class Core {
  readonly options: MockTransportOptions;
  readonly base: string | undefined;
  readonly bodyLimit: number;
  readonly secrets: Secrets;
  /** Gone once the transport is disposed. */
  engine: Engine;
  /** Replaced by a new one when everything is reset. */
  journal: Journal;
  readonly rules: Rules;
  disposed = false;
  #clock: Clock | undefined;
  #gates: Gates | undefined;
  #predicates: Predicates | undefined;
  #waiters: Waiters | undefined;
  /** The exchanges that somebody waits for: what an abort or `dispose` ends early. */
  #inFlight: Set<Exchange> | undefined;
  /** Who has to know when it is disposed. */
  #listeners: Set<() => void> | undefined;
  #disposal: AbortController | undefined;
  #state: State | undefined;

  constructor(options: MockTransportOptions | undefined) {
    this.options = options === undefined ? NO_OPTIONS : checked(options);
    const { baseUrl, journal, redact, seed, timing } = this.options;
    this.base = checkedBase(baseUrl);
    this.bodyLimit = journal?.bodyBytes ?? 1024 * 1024;
    this.secrets = secretsWith(redact);
    try {
      const isUsual = journal === undefined && redact === undefined && seed === undefined;
      this.engine = newEngine(isUsual ? undefined : JSON.stringify({ journal, redact, seed }));
    } catch (cause) {
      const { code, message } = cause as { code?: string; message?: string };
      throw new MockwireError(code ?? "MOCKWIRE_INVALID_OPTION", `new MockTransport(): ${message}`, { cause });
    }
    this.journal = new Journal(this);
    this.rules = new Rules(this);
    // Time that passes by itself begins now; any other when somebody looks.
    if (timing === "real") void this.clock;
  }

  get clock(): Clock {
    return (this.#clock ??= new Clock(this.engine, this.options.timing ?? "instant"));
  }

  get gates(): Gates {
    return (this.#gates ??= new Gates(this));
  }

  /** The transport's time. */
  get now(): number {
    return this.#clock?.now ?? 0;
  }

  /** Aborts when it is disposed. */
  get signal(): AbortSignal {
    if (this.#disposal === undefined) {
      this.#disposal = new AbortController();
      if (this.disposed) this.#disposal.abort(new DisposedError());
    }
    return this.#disposal.signal;
  }

  /** What the conversation remembers. */
  get state(): State {
    return (this.#state ??= new State({
      assertUsable: () => this.assertUsable(),
      setState: (key, json) => this.engine.setState(key, json),
      deleteState: (key) => this.engine.deleteState(key),
      clearState: () => this.engine.clearState(),
      requestCount: () => this.engine.requestCount(),
    }));
  }

  get predicates(): Predicates {
    return (this.#predicates ??= new Predicates());
  }

  get waiters(): Waiters {
    return (this.#waiters ??= new Waiters(this));
  }

  /** For `Registrar`. */
  get core(): this {
    return this;
  }

  /** For `Registrar`. */
  register(draft: RuleDraft, replies: readonly Reply[], end: SequenceEnd | undefined, place: Place): Rule {
    this.assertUsable();
    return this.rules.add(draft, replies, end, place);
  }

  /** Tells the engine of an arriving request; its answer. */
  arrive(line: Line): number {
    this.assertUsable();
    // Without predicates there is nothing that the engine could run.
    return this.#predicates === undefined ? line.arrive(this.engine) : this.ask((engine) => line.arrive(engine));
  }

  /** Tells those who wait for requests, if any, that one has arrived. */
  arrived(): void {
    if (this.#waiters?.isWaiting === true) this.#waiters.arrived();
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
    return this.#predicates?.failure === undefined && this.lastError().code.startsWith("MOCKWIRE_INVALID_");
  }

  /** The error behind `UNMATCHED` and `FAILED`. */
  failure(answer: typeof UNMATCHED | typeof FAILED): MockwireError {
    const thrown = this.takeFailure();
    if (thrown !== undefined) return thrown;
    const { code, message, diagnosis } = this.lastError();
    if (answer === UNMATCHED) return new UnmatchedRequestError(message, diagnosis);
    if (code === "MOCKWIRE_SEQUENCE_EXHAUSTED") return new SequenceExhaustedError(code, message);
    if (code.startsWith("MOCKWIRE_HANDLER")) return new HandlerError(message, undefined);
    return new MockwireError(code, message);
  }

  /** What a predicate threw during the last call, once. */
  takeFailure(): HandlerError | undefined {
    return this.#predicates?.takeFailure();
  }

  releasePredicates(numbers: readonly number[]): void {
    if (numbers.length > 0) this.predicates.release(numbers);
  }

  /** Notes that somebody waits for an exchange. */
  addInFlight(exchange: Exchange): void {
    (this.#inFlight ??= new Set()).add(exchange);
  }

  removeInFlight(exchange: Exchange): void {
    this.#inFlight?.delete(exchange);
  }

  /** Calls the listener when the transport is disposed. */
  onDispose(listener: () => void): void {
    (this.#listeners ??= new Set()).add(listener);
  }

  offDispose(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** Forgets rules, captures and states. Whoever waits for a reply, waits in vain. */
  reset(): void {
    this.rules.clear();
    this.#abandon("the transport was reset while the request was waiting for its reply");
    this.engine.reset();
    this.journal = new Journal(this);
    this.#state?.restart();
    this.#predicates?.clear();
    this.#clock?.restore();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#abandon();
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener();
    this.#waiters?.dispose();
    this.#clock?.stop();
    this.#disposal?.abort(new DisposedError());
    // A predicate is called by the engine, which has to end that call first.
    if (this.#predicates === undefined || this.#predicates.depth === 0) this.#release();
  }

  /**
   * Makes a call of the engine in which it may run predicates. One of them may dispose the transport;
   * then this throws the `DisposedError`.
   */
  ask<T>(call: (engine: Engine) => T): T {
    this.assertUsable();
    const answer = during(this, () => call(this.engine));
    if (!this.disposed) return answer;
    if (this.#predicates?.depth === 0) this.#release();
    throw new DisposedError();
  }

  /** Ends what is going on. */
  #abandon(message?: string): void {
    if (this.#inFlight === undefined) return;
    for (const exchange of [...this.#inFlight]) exchange.interrupt(new DisposedError(message));
  }

  #release(): void {
    const { engine, options } = this;
    // It may serve another transport from now on.
    this.engine = undefined as never;
    if (options.journal === undefined && options.redact === undefined && options.seed === undefined) recycle(engine);
    else engine.free();
  }
}
