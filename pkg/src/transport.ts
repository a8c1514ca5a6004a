/** The mock transport: rules go in, requests are answered, and what was sent can be read. */

import type { Registrar } from "./builder.js";
import type { CapturedRequest } from "./captured.js";
import { Core } from "./core.js";
import { InvalidArgumentError, shown } from "./errors.js";
import { expectCalled, expectInOrder, expectNoUnmatched } from "./expect.js";
import { kill, outage, type Outage, restart } from "./faults/hosts.js";
import { fetchOf } from "./fetch.js";
import { type Filter, select } from "./filter.js";
import { DISPOSE } from "./inspect.js";
import { install, uninstall } from "./install.js";
import { type Concurrency, shownConcurrency } from "./limits/concurrency.js";
import { PermitEvents } from "./limits/permit-events.js";
import type { MockTransportOptions } from "./options.js";
import { adoptPlatform } from "./response.js";
import { pendingOn, type Pending } from "./pending.js";
import { Routes } from "./routes.js";
import { Scope } from "./scope.js";
import { sleep } from "./sleep.js";
import type { State } from "./state.js";
import { type MockWebSocketClass, webSocketOf } from "./socket/websocket.js";
import { timelineOf } from "./timeline/record.js";
import type { Timeline, TimelineOptions } from "./timeline/value.js";
import type { Times } from "./times.js";
import { verify, type VerifyOptions } from "./verify.js";

/**
 * Stands where the network would, and answers.
 *
 * @example
 * const transport = new MockTransport();
 * transport.get("https://api.test/users/:id").reply((request) => ({ id: request.params.id }));
 *
 * const response = await transport.fetch("https://api.test/users/7");
 * await response.json(); // { id: "7" }
 *
 * @typeParam Values What its {@link state} has: the values by their keys.
 */
export class MockTransport<Values extends object = Record<string, any>> extends Routes {
  readonly #core: Core;
  /** @internal */
  protected override readonly registrar: Registrar;

  /**
   * `fetch`, answered by this transport and by nothing else: it has no way to the network. Bound, so
   * it can be handed to any client.
   */
  readonly fetch: typeof fetch;
  #WebSocket: MockWebSocketClass | undefined;

  /**
   * Throws when an option is no good. The first transport of a program that needs more than rules for one
   * method and plain URL each takes a few milliseconds, in which the engine is compiled.
   */
  constructor(options?: MockTransportOptions) {
    super();
    const core = new Core(options);
    adoptPlatform();
    this.#core = core;
    this.registrar = core;
    this.fetch = core.fetch = fetchOf(core);
  }

  /**
   * `WebSocket`, connected to this transport and to nothing else: a class that can be handed to any
   * client. A connection that no rule of {@link websocket} accepts fails.
   *
   * @example
   * transport.websocket("wss://api.test/chat").accept((socket) => socket.send("hello"));
   * const socket = new transport.WebSocket("wss://api.test/chat");
   * socket.onmessage = ({ data }) => console.log(data); // hello
   */
  get WebSocket(): MockWebSocketClass {
    return (this.#WebSocket ??= webSocketOf(this.#core));
  }

  /** Rules that are taken back, and verified, together. */
  scope(): Scope {
    this.#core.assertUsable();
    return new Scope(this.#core);
  }

  /** The captured requests, oldest first; those that the filter means. */
  requests(filter?: Filter): CapturedRequest[] {
    return select(this.#core, filter);
  }

  /** The request with this sequence number, from 1, if it is kept still. */
  request(sequence: number): CapturedRequest | undefined {
    this.#core.assertUsable();
    return this.#core.journal.find(sequence)?.captured;
  }

  /** The latest request; the latest one that the filter means. */
  lastRequest(filter?: Filter): CapturedRequest | undefined {
    return select(this.#core, filter).at(-1);
  }

  /** How many requests were captured; how many that the filter means. */
  count(filter?: Filter): number {
    if (filter !== undefined) return select(this.#core, filter).length;
    this.#core.assertUsable();
    return this.#core.journal.size;
  }

  /** How many requests had to go because the journal was full, since it was last cleared. */
  get droppedRequests(): number {
    this.#core.assertUsable();
    return this.#core.engine.dropped();
  }

  /**
   * The first `count` requests, as soon as there are so many. Rejects with a `WaitTimeoutError` when
   * `timeout` milliseconds of the transport's time pass before. With instant timing nobody waits for
   * them: they have passed when everything that can happen without timers and I/O has happened.
   * Without a `timeout` it may wait for ever.
   */
  waitForRequests(
    count: number,
    options: { readonly matching?: Filter; readonly timeout?: number } = {},
  ): Promise<CapturedRequest[]> {
    return this.#core.waiters.wait(count, options.matching, options.timeout ?? Infinity);
  }

  /** Throws a `VerificationError` unless what is meant was requested; so often, when that is given. */
  expectCalled(filter: Filter, times: number | Times = { min: 1 }): void {
    expectCalled(this.#core, filter, times);
  }

  /** Throws a `VerificationError` unless such requests came in this order; others may be in between. */
  expectInOrder(filters: readonly Filter[]): void {
    expectInOrder(this.#core, filters);
  }

  /** Throws a `VerificationError` if a request matched no rule. */
  expectNoUnmatched(): void {
    expectNoUnmatched(this.#core);
  }

  /** Throws a `VerificationError` if a rule has answered too seldom, or a request matched no rule. */
  verify(options?: VerifyOptions): void {
    this.#core.assertUsable();
    verify(this.#core, options);
  }

  /** The state of a scenario: `started` until a rule or `setScenario` moves it. */
  scenario(name: string): string {
    this.#core.assertUsable();
    return this.#core.engine.scenario(name);
  }

  setScenario(name: string, state: string): void {
    this.#core.assertUsable();
    this.#core.engine.setScenario(name, state);
  }

  /**
   * What the conversation that goes over the transport remembers: JSON values, for handlers, conditions
   * (`stateIs`, `hasState`, `withoutState`) and the test to share.
   *
   * @example
   * const transport = new MockTransport<{ turns: number }>();
   * transport.post("/chat").reply(() => ({ turn: transport.state.update("turns", (turns = 0) => turns + 1) }));
   * transport.get("/summary").hasState("turns").reply(() => ({ turns: transport.state.get("turns") }));
   */
  get state(): State<Values> {
    this.#core.assertUsable();
    return this.#core.state as unknown as State<Values>;
  }

  /** Which date the transport's time begins at: 2025-01-01, or with `timing: "real"` when it was made. */
  get epoch(): Date {
    this.#core.assertUsable();
    return new Date(this.#core.engine.epoch());
  }

  /** The transport's time, in milliseconds since it was made. */
  now(): number {
    this.#core.assertUsable();
    return this.#core.now;
  }

  /**
   * Moves the transport's time forward. What falls due meanwhile happens in order, each at its own
   * time. Awaited, it lets everything happen that follows from that. Throws an `InvalidArgumentError`
   * with `timing: "real"`.
   *
   * @example
   * await transport.advance(1000);
   */
  advance(milliseconds: number): Promise<void> {
    this.#core.assertUsable();
    if (typeof milliseconds !== "number" || !(milliseconds >= 0) || milliseconds === Infinity) {
      throw new InvalidArgumentError(`advance() takes milliseconds, not ${shown(milliseconds)}`);
    }
    return this.#core.clock.advance(milliseconds);
  }

  /** Lets the streams go on that are held at this name, now and later: see `hold` in a script. */
  release(name: string): void {
    this.#core.assertUsable();
    if (typeof name !== "string") throw new InvalidArgumentError(`release() takes a name, not ${shown(name)}`);
    this.#core.gates.release(name);
  }

  /**
   * Resolves after so many milliseconds of the transport's time; at once with instant timing, but after
   * everything that is due before. Rejects when the signal aborts, with the signal's reason, and when
   * the transport is disposed. `Infinity` never resolves.
   *
   * @example
   * await retry(() => transport.fetch(url), { sleep: (ms) => transport.sleep(ms) });
   */
  sleep(milliseconds: number, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return sleep(this.#core, milliseconds, options.signal);
  }

  /** How the limits on concurrency stand; `undefined` without the option `concurrency`. */
  concurrency(): Concurrency | undefined {
    this.#core.assertUsable();
    const told = this.#core.engine.concurrency();
    return told.length === 0 ? undefined : shownConcurrency(told);
  }

  /**
   * What happens to permits from now on, with the option `concurrency`: who waits, acquires one, releases
   * it, and gives up waiting. Without that option nothing ever comes.
   */
  permitEvents(): PermitEvents {
    this.#core.assertUsable();
    return this.#core.admission?.watch() ?? new PermitEvents(undefined);
  }

  /**
   * Lets a host fail for a while, in the transport's time. Requests are captured and no rule is asked;
   * exchanges that are going on are left alone.
   *
   * @example transport.outage("api.test", { from: 10_000, until: 20_000, fault: "connectTimeout" });
   */
  outage(host: string, during: Outage = {}): void {
    this.#core.assertUsable();
    outage(this.#core, host, during);
  }

  /**
   * Kills a host: exchanges that are going on there fail with a reset connection, as a dead peer's do, and
   * later requests are refused, until {@link restart}. WebSocket connections end with 1006. Nothing that was
   * captured is lost.
   */
  kill(host: string): void {
    this.#core.assertUsable();
    kill(this.#core, host);
  }

  /** Starts a host again that was killed, or ends its outage. */
  restart(host: string): void {
    this.#core.assertUsable();
    restart(this.#core, host);
  }

  /**
   * Aborts when the transport is disposed, with a `DisposedError` as its reason: for whoever waits for
   * something else while the transport lives.
   *
   * @example
   * const lines = await readLines(file, { signal: transport.signal });
   */
  get signal(): AbortSignal {
    return this.#core.signal;
  }

  /**
   * What has happened so far, and when: every exchange that the journal keeps, from its arrival to its end,
   * and when hosts were down. See `mockwire/timeline` for archives, traces and pictures of it.
   *
   * @example
   * const [entry] = transport.timeline().entries;
   * expect(entry.head.at).toBe(250);
   */
  timeline(options: TimelineOptions = {}): Timeline {
    this.#core.assertUsable();
    return timelineOf(this.#core, options);
  }

  /**
   * What has not come to its end: exchanges whose body was not read or cancelled, held requests, and
   * who waits for a time. The place to look when a test hangs.
   */
  pending(): Pending[] {
    this.#core.assertUsable();
    return pendingOn(this.#core);
  }

  /** Forgets what was captured; the rules stay, and how often they have answered. */
  clear(): void {
    this.#core.assertUsable();
    this.#core.engine.clear();
    this.#core.journal.clear();
  }

  /** Forgets everything: rules, what was captured, states of scenarios, and the `state`. */
  reset(): void {
    this.#core.assertUsable();
    this.#core.reset();
  }

  /**
   * Puts `fetch` and `WebSocket` in the places of the global ones, for code that takes none. Throws an
   * `AlreadyInstalledError` while another transport is there. `dispose()` uninstalls.
   */
  install(): this {
    this.#core.assertUsable();
    install(this, { fetch: this.fetch, WebSocket: this.WebSocket });
    return this;
  }

  /** Puts the original `fetch` and `WebSocket` back. */
  uninstall(): void {
    uninstall(this);
  }

  /**
   * Frees the engine. Requests that wait for a reply reject with a `DisposedError`, sockets that are open
   * are closed with 1006, and everything else fails from then on; to dispose again does nothing.
   */
  dispose(): void {
    uninstall(this);
    this.#core.dispose();
  }

  [DISPOSE](): void {
    this.dispose();
  }
}
