/** What the parts of one transport share: the engine, and everything it knows by number. */

import { checkedBase } from "./address.js";
import { Backlog } from "./backlog.js";
import { Clock } from "./clock.js";
import type { RuleDraft } from "./draft.js";
import { type Engine, FAILED, newEngine, recycle, UNMATCHED } from "./engine.js";
import { engineOptions } from "./engine-options.js";
import {
  DisposedError,
  type Diagnosis,
  HandlerError,
  MockwireError,
  QueueFullError,
  SequenceExhaustedError,
  UnmatchedRequestError,
} from "./errors.js";
import type { Exchange } from "./exchange.js";
import type { CheckedDamage } from "./faults/damage.js";
import { Gates } from "./gates.js";
import { Journal } from "./journal.js";
import { Admission } from "./limits/admission.js";
import { networkError } from "./network-error.js";
import { checked, type MockTransportOptions, NO_OPTIONS } from "./options.js";
import { during, Predicates } from "./predicates.js";
import { secretsWith, type Secrets } from "./redact.js";
import type { Reply } from "./reply/reply.js";
import type { Rule } from "./rule.js";
import { Rules, type SequenceEnd } from "./rules.js";
import { State } from "./state.js";
import type { Place } from "./site.js";
import { Waiters } from "./wait.js";

/** What limits did to an exchange. */
export interface Noted {
  /** Which limit on concurrency it waited for, and when it was admitted then. */
  readonly limit: "total" | { readonly key: string } | undefined;
  readonly acquired: number | undefined;
  /** Which rate limit has refused it, in words. */
  readonly refused: string | undefined;
}

/**
 * Made for each transport, and many suites make one for each test: what few transports need is made
 * when it is needed.
 */
export class Core {
  readonly options: MockTransportOptions;
  readonly base: string | undefined;
  readonly bodyLimit: number;
  readonly secrets: Secrets;
  /** Replaced by a new one when everything is reset. */
  journal: Journal;
  readonly rules: Rules;
  /** Who decides about requests when there are limits to the whole transport. */
  readonly admission: Admission | undefined;
  /** Whether replies may come with more than they say: see `roughened`. */
  readonly isRough: boolean;
  /** What chance may do to any reply. */
  readonly chaos: readonly CheckedDamage[] | undefined;
  /** Which date its time begins at, in milliseconds since 1970. */
  readonly epoch: number;
  /** What the transport gives its clients. */
  fetch: typeof fetch | undefined;
  disposed = false;
  /** Made when there is something for it to decide; gone once the transport is disposed. */
  #engine: Engine | undefined;
  /** What it has not been told yet, as long as it is not needed. */
  #backlog: Backlog | undefined;
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
  /** What was lost before its client knew, and how. */
  #losses: WeakMap<Exchange, Error> | undefined;
  /** Whether the engine may serve another transport afterwards. */
  readonly #isUsual: boolean;

  constructor(options: MockTransportOptions | undefined) {
    this.options = options === undefined ? NO_OPTIONS : checked(options);
    const { baseUrl, journal, redact, concurrency, rateLimit, timing } = this.options;
    this.base = checkedBase(baseUrl);
    this.bodyLimit = journal?.bodyBytes ?? 1024 * 1024;
    this.secrets = secretsWith(redact);
    const { encoded, refusals, chaos, epoch } = engineOptions(this);
    try {
      if (encoded !== undefined) this.#engine = newEngine(encoded);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message?: string };
      throw new MockwireError(code ?? "MOCKWIRE_INVALID_OPTION", `new MockTransport(): ${message}`, { cause });
    }
    this.#isUsual = encoded === undefined;
    this.isRough = rateLimit !== undefined || chaos !== undefined;
    this.chaos = chaos;
    this.epoch = epoch;
    this.admission = concurrency === undefined && rateLimit === undefined ? undefined : new Admission(this);
    this.journal = new Journal(this);
    this.rules = new Rules(this, refusals);
    // Time that passes by itself begins now; any other when somebody looks.
    if (timing === "real") void this.clock;
  }

  /** The engine, which knows everything. */
  get engine(): Engine {
    return this.#engine ?? this.#begin();
  }

  /** Whether there is an engine: without one, rules are plain, and every request had one of them. */
  get hasEngine(): boolean {
    return this.#engine !== undefined;
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

  /** The functions that are known by now are the transport's own, and stay. */
  keepFunctions(): void {
    this.#predicates?.keep();
  }

  /** What was lost before its client knew. */
  get losses(): WeakMap<Exchange, Error> {
    return (this.#losses ??= new WeakMap());
  }

  /** What only the engine knows of an exchange: what the limits did to it. */
  noted(exchange: Exchange): Noted | undefined {
    if (this.admission === undefined && exchange.rule?.isRough !== true) return undefined;
    const [limit, key, acquired, refused] = this.engine.noted(exchange.sequence) as [string, string, string, string];
    return {
      limit: limit === "" ? undefined : limit === "key" ? { key } : "total",
      acquired: acquired === "" ? undefined : Number(acquired),
      refused: refused === "" ? undefined : refused,
    };
  }

  lossOf(exchange: Exchange): Error | undefined {
    return this.#losses?.get(exchange);
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

  /** Keeps a rule from the engine, if that needs not know of it yet. */
  keepRule(draft: RuleDraft, status: number, reply: number): boolean {
    if (this.#engine !== undefined) return false;
    return (this.#backlog ??= new Backlog()).takeRule(draft.method, draft.target.text!, status, reply);
  }

  /** A request arrives; the engine's answer. */
  arrive(exchange: Exchange): number {
    this.assertUsable();
    const known = this.#engine === undefined ? this.#backlog?.takeRequest(exchange) : undefined;
    if (known !== undefined) return known;
    const line = exchange.address.line(exchange.method);
    // Without predicates there is nothing that the engine could run, or has to be told.
    return this.#predicates === undefined
      ? line.arrive(this.engine)
      : this.ask((engine) => line.arrive(engine), exchange);
  }

  /** Tells the engine what time it is, where that passes by itself. */
  follow(): void {
    this.#clock?.follow();
  }

  /** From now on, what the engine decides depends on the time, so that it has to be told. */
  keepTime(): void {
    if (this.options.timing === "real") void this.predicates;
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
  failure(answer: typeof UNMATCHED | typeof FAILED, { address }: Exchange): Error {
    const thrown = this.takeFailure();
    if (thrown !== undefined) return thrown;
    const { code, message, diagnosis } = this.lastError();
    if (answer === UNMATCHED) return new UnmatchedRequestError(message, diagnosis);
    if (code === "MOCKWIRE_SEQUENCE_EXHAUSTED") return new SequenceExhaustedError(code, message);
    if (code === "MOCKWIRE_QUEUE_FULL") return new QueueFullError(code, message);
    if (code.startsWith("MOCKWIRE_HANDLER")) return new HandlerError(message, undefined);
    // What is no error of ours is the code of a failed connection: the host is down.
    return code.startsWith("MOCKWIRE_") ? new MockwireError(code, message) : networkError(code, address);
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
    this.#clear("the transport was reset while the request was waiting for its reply");
    this.journal = new Journal(this);
    this.#state?.restart();
    this.#predicates?.clear();
    this.#clock?.restore();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    if (this.admission === undefined) this.#abandon();
    else this.#clear();
    this.admission?.dispose();
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
  ask<T>(call: (engine: Engine) => T, exchange?: Exchange): T {
    this.assertUsable();
    this.follow();
    const answer = during(this, exchange, () => call(this.engine));
    if (!this.disposed) return answer;
    if (this.#predicates?.depth === 0) this.#release();
    throw new DisposedError();
  }

  /** Ends what is going on, and has the engine forget everything. */
  #clear(message?: string): void {
    if (this.admission !== undefined) return this.admission.clear(() => this.#abandon(message));
    this.#abandon(message);
    this.engine.reset();
  }

  /** Ends what is going on. */
  #abandon(message?: string): void {
    if (this.#inFlight === undefined) return;
    for (const exchange of [...this.#inFlight]) exchange.interrupt(new DisposedError(message));
  }

  #begin(): Engine {
    this.assertUsable();
    const engine = (this.#engine = newEngine(undefined));
    this.#backlog?.tell(engine, (reply) => this.rules.owner(reply)!);
    this.#backlog = undefined;
    return engine;
  }

  #release(): void {
    const engine = this.#engine;
    if (engine === undefined) return;
    // It may serve another transport from now on.
    this.#engine = undefined;
    if (this.#isUsual) recycle(engine);
    else engine.free();
  }
}
