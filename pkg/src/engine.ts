/**
 * The engine: the Rust core behind its WebAssembly edge. It decides; this package performs.
 *
 * What crosses: one short line per request in, one number out. Bodies and replies stay on the
 * JavaScript side and are named by number; headers and bodies follow only when a rule looks at them.
 */

import { Engine as WasmEngine, initSync, Player as WasmPlayer } from "mockwire-wasm";
import base64 from "mockwire-wasm/base64";
import { decode } from "./base64.js";

/** What `call` and `decide` answer instead of the number of a reply. */
export const NEEDS = -1;
export const UNMATCHED = -2;
export const FAILED = -3;
/** What `callKnown` and `addKnownRule` answer to a number that is not remembered: nothing has happened then. */
export const FORGOTTEN = -4;
/** What `enter` answers when the request has to wait. */
export const WAITING = -5;

/** The engine's methods. Sequence numbers count requests from 1; rule ids are its own. */
export interface Engine {
  /**
   * Registers a rule, with rate limits as `EncodedLimits` has them and the shares of its own chaos; answers its
   * id, and throws `{code, message}` when the specification is no good.
   */
  addRule(specification: string, rates: Float64Array, chaos: Float64Array | undefined): number;
  /**
   * As `addRule`, for one that asks for no more than a method (none when it is empty) and a path or URL,
   * with a space between them, and always gives the same reply: most rules, and cheaper than JSON.
   */
  addPlainRule(rule: string, status: number, reply: number): number;
  /** As `addPlainRule`, by the number of a rule; or `FORGOTTEN`, or `FAILED` (`lastError` tells). */
  addKnownRule(rule: number, status: number, reply: number): number;
  /** Says where a rule was registered that has not been said of, for messages. */
  nameSite(rule: number, site: string): void;
  /** Throws when the id is stale. */
  removeRule(rule: number): void;
  /**
   * A request arrives: `line` is `METHOD URL`. Answers the number of the reply to give, or `NEEDS`
   * (then `decide` is called with the whole request), `UNMATCHED`, or `FAILED` (`lastError` tells).
   */
  call(line: string): number;
  /** As `call`, by the number of a line; or `FORGOTTEN`. */
  callKnown(line: number): number;
  /** As `call`, with everything known. `headers` is a block of `name: value\r\n` lines. */
  decide(sequence: number, headers: string, body: Uint8Array): number;
  /** JSON: `{code, message, diagnosis?}`. */
  lastError(): string;
  /** On a transport with limits, a request arrives; the number of its exchange, or `FAILED`. */
  arrive(line: string): number;
  /** As `decide`, for a request that has arrived so; or `WAITING`, and then once more when `admitted` tells of it. */
  enter(
    exchange: number,
    sequence: number,
    line: string,
    headers: string,
    body: Uint8Array,
    isAdmitted: boolean,
  ): number;
  /** As `finish`, by the number of the exchange. */
  finishExchange(exchange: number, outcome: number, delivered: number, detail: string): void;
  /** Which exchanges have waited, and are admitted since this was last asked. */
  admitted(): Float64Array;
  /** What rate limits say in the head of the last reply that was decided for: names and values in turns. */
  fields(): string[];
  /** For how long a limit refuses the last request that was decided about; `NaN` when none does, or for ever. */
  retryAfter(): number;
  /**
   * How many are available, in flight and waiting, and the peak; the same for each key; then the names of the
   * keys. Empty without limits on concurrency; an empty text is what has no limit.
   */
  concurrency(): string[];
  /** How long a request has waited to be admitted, as far as the journal knows. */
  queued(sequence: number): number;
  /** Watches what happens to permits. Has to be freed. */
  watchPermits(): PermitWatch;
  /** Which damage chance does to the reply of this rule to this request: its place in the chaos; -1 for none. */
  damage(sequence: number, rule: number): number;
  /** A host fails with this fault, which is JSON, between two times. Throws when there is no such fault. */
  outage(host: string, from: number, until: number, fault: string): void;
  /** A host is dead; the numbers of the exchanges that are lost by that. */
  kill(host: string): Float64Array;
  restart(host: string): void;
  /** Gives a captured request what it has not needed so far, for queries. */
  hydrate(sequence: number, headers: string, body: Uint8Array): void;
  /** JSON: what the winning rule's path captured. Of the latest request only. */
  params(sequence: number): string;
  /** The text of a template reply for this request, which is the latest. */
  render(sequence: number, reply: number): string;
  /** The head of a reply that was made on this side. */
  answered(sequence: number, status: number, headers: string): void;
  /** The end of an exchange: 0 done, 1 cancelled, 2 failed, 3 unmatched. `delivered` counts body bytes the client has taken. */
  finish(sequence: number, outcome: number, delivered: number, detail: string): void;
  /** Which date the transport's time begins at, in milliseconds since 1970. */
  epoch(): number;
  /**
   * What the limits did to a request: which limit on concurrency it waited for (`key` or `total`), its key,
   * when it was admitted, and which rate limit has refused it, in words. Empty is what has not happened.
   */
  noted(sequence: number): string[];
  /**
   * How many outages were forgotten; then of each host that was down: its name, from when, until when,
   * whether it was killed, and the code of the failure. Empty is what has no end.
   */
  outages(): string[];
  /** How many captures were evicted, oldest first, to keep the journal's cap. */
  dropped(): number;
  /** The sequence numbers of the captured requests that satisfy the condition. */
  matching(condition: string): Float64Array;
  /** The same for `METHOD TARGET`, without a method for any: what else was sent need not be told. */
  matchingTarget(target: string): Float64Array;
  /** A rule in words: `METHOD TARGET at SITE`. */
  describe(rule: number): string;
  hits(rule: number): number;
  /** Empty when everything expected has happened; else JSON: `{message, unmet, unmatched}`. */
  verify(): string;
  /** As `verify`, for these rules alone. */
  verifyRules(rules: Float64Array): string;
  /** Forgets captures; rules stay. */
  clear(): void;
  /** Forgets rules, captures and scenario states. */
  reset(): void;
  /** Checks a script for the server's end of WebSocket connections; the subprotocol that it chooses. Throws. */
  checkScript(script: string): string | undefined;
  /** Throws when connections cannot be made so fast: so many in so many milliseconds. */
  checkRate(connections: number, per: number): void;
  /**
   * What is known of a connection that this rule is asked for: who it belongs to is JSON. `connections` is
   * 0 when there is no limit. Its number; throws `{code, message, retryAfter?}`.
   */
  openContext(rule: number, connections: number, per: number, identity: string | undefined, now: number): number;
  /** The connection is open. */
  beginContext(context: number, now: number): void;
  /** A message of so many bytes was said, or with -1 what is no message. */
  notePassed(context: number, ofClient: boolean, bytes: number, now: number): void;
  setContextState(context: number, state: string): void;
  /** JSON; empty when the connection is over. */
  contextInfo(context: number, now: number): string;
  /** As `contextInfo`, for the last time. */
  closeContext(context: number, now: number): string;
  /** A connection for a request that this rule has claimed, whose server plays the script; its number. */
  askForSocket(sequence: number, rule: number, script: string, protocol: string): number;
  /** Opens it when it is time: when that is, `Infinity` for never; -1 when it is open. */
  openSocket(socket: number): number;
  /** What there is for the client. */
  socketNext(socket: number): SocketEvent | SocketPause;
  /** The client sends, closes, and has gone. */
  sendText(socket: number, text: string): void;
  sendBytes(socket: number, bytes: Uint8Array): void;
  sendClose(socket: number, code: number | undefined, reason: string): void;
  leaveSocket(socket: number): void;
  /** The state of the conversation, for conditions: the values are kept on this side as well. */
  setState(key: string, json: string): void;
  deleteState(key: string): void;
  /** Forgets the count of the requests, too. */
  clearState(): void;
  /** How many requests have arrived. */
  requestCount(): number;
  setScenario(name: string, state: string): void;
  scenario(name: string): string;
  /** The transport's time, in milliseconds since it was made. */
  now(): number;
  /** The next number of its own: among those due together, lower numbers come first. */
  place(): number;
  /**
   * Asks whether it is this one's turn: its time has come, and nobody stands before it. If not, it waits
   * in line. If so, its place at `next` is kept until everything has settled; `NaN` when it wants none.
   */
  ask(due: number, place: number, next: number): boolean;
  /** Gives up a place in line. */
  leave(due: number, place: number): void;
  /** When somebody is due next; `Infinity` when nobody waits. */
  nextDue(): number;
  /**
   * Takes out of the line, and moves time to, those who are due next, unless that is later than `limit`;
   * their places, in order. A place that is only kept ends the list, unless everything has settled.
   */
  step(limit: number, settled: boolean): Float64Array;
  /** Moves time forward. It never moves back. */
  advanceTo(time: number): void;
  /** When this name was released; `NaN` when it was not. */
  released(name: string): number;
  release(name: string): void;
  /** Forgets everything, as if it were new. */
  renew(): void;
  free(): void;
}

/** What the server's end of a scripted connection does; `over` comes after a closing handshake. */
export type SocketEvent =
  | readonly ["text", string]
  | readonly ["binary" | "ping" | "pong", Uint8Array<ArrayBuffer>]
  | readonly ["close", code: number | undefined, reason?: string]
  | readonly ["fault", code: string]
  | readonly ["over" | "aborted"];

/** Nothing before this time, in milliseconds; `Infinity` when nothing is due. */
export type SocketPause = readonly ["wait", due: number];

let compiled = false;

/** Engines that are as good as new: to make one of these ready is cheaper than to make one. */
const idle: Engine[] = [];
const IDLE_LIMIT = 8;

/**
 * An engine without rules. The first one compiles the WebAssembly module, synchronously (a few
 * milliseconds), so that importing this package costs nothing.
 */
export function newEngine(options: EncodedOptions | undefined): Engine {
  compile();
  if (options !== undefined) {
    const { json, concurrency, rates, chaos, epoch } = options;
    return WasmEngine.withOptions(json, concurrency, rates, chaos, epoch) as Engine;
  }
  return idle.pop() ?? (new WasmEngine() as Engine);
}

/** What happens to permits, from when it was made. */
export interface PermitWatch {
  /** What has happened since this was last asked: kind, request, key and time in nanoseconds, in turns. */
  drain(): string[];
  /** How much was forgotten because nobody asked. */
  missed(): number;
  free(): void;
}

/** A script on its way to one client. It has to be freed. */
export interface Player {
  /** Whether it comes to an end, and is the same for every seed and request. */
  readonly isConstant: boolean;
  /** How many bytes its steps give, played once. */
  readonly length: number;
  /**
   * What comes next, at most so many frames: the bytes of them all; when each is due and how long it is,
   * in turns; and what follows: more frames, a name to wait for, or the end, with how and when.
   */
  batch(frames: number): [
    bytes: Uint8Array<ArrayBuffer>,
    plan: Float64Array,
    kind: "more" | "hold" | "end",
    word: string,
    due: number,
  ];
  /** What held it was released, so long after its beginning. */
  goOn(at: number): void;
  free(): void;
}

/** Options as the engine takes them. What can be said in numbers is: reading anything else takes much code. */
export interface EncodedOptions {
  /** JSON. */
  readonly json: string;
  /** `max, perHost, maxWaiting, ageing, key, priority`, -1 being what is not given; empty without such limits. */
  readonly concurrency: Float64Array;
  /** Each of them `kind, limit, refill, per, tokens, key, retryAfter, headers, refusal`. */
  readonly rates: Float64Array;
  /** The shares of the damages that come by chance. */
  readonly chaos: Float64Array;
  /** Which date time begins at, in milliseconds since 1970. */
  readonly epoch: number;
}

/** A script as the engine takes it. */
export interface EncodedScript {
  readonly json: string;
  /** What is wrong with it: of each damage which one, how much of it, and a pause. */
  readonly damages: readonly number[];
}

/** Begins a script. Throws `{code, message}` when it cannot be played. */
export function newPlayer({ json, damages }: EncodedScript, seed: number, sequence: number): Player {
  compile();
  return new WasmPlayer(json, Float64Array.from(damages), seed, sequence) as Player;
}

/** The code of a failure that scripts know by this name. Throws when there is no such name. */
export function codeOf(fault: string): string {
  compile();
  return WasmEngine.faultCode(JSON.stringify(fault) ?? "null");
}

/** Throws when damages, as in `EncodedScript`, make no sense. */
export function checkDamages(damages: readonly number[]): void {
  compile();
  WasmEngine.checkDamages(Float64Array.from(damages));
}

/** The bytes of a server-sent event, which is JSON. Throws when there can be no such event. */
export function encodeEvent(event: string): Uint8Array<ArrayBuffer> {
  compile();
  return WasmPlayer.encodeEvent(event);
}

/** Takes back an engine that was made without options. */
export function recycle(engine: Engine): void {
  if (idle.length >= IDLE_LIMIT) return engine.free();
  engine.renew();
  idle.push(engine);
}

/** Has all engines remember a line, as the latest of 1024; its number. Throws when it cannot be read. */
export function numberOf(text: string): number {
  return WasmEngine.line(text);
}

/** Has all engines remember a plain rule, as the latest of 1024; its number. Throws when it is no good. */
export function numberOfRule(text: string): number {
  return WasmEngine.plainRule(text);
}

/** Says whom all engines ask about predicates, and about other functions of the test. */
export function listen(
  test: (predicate: number, sequence: number) => boolean,
  read: (reading: number) => string | number,
  explain: (predicate: number) => readonly string[] | undefined,
): void {
  compile();
  WasmEngine.listen(test, read, explain);
}

function compile(): void {
  if (compiled) return;
  initSync({ module: new WebAssembly.Module(decode(base64)) });
  compiled = true;
}
