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

/** The engine's methods. Sequence numbers count requests from 1; rule ids are its own. */
export interface Engine {
  /** Registers a rule and answers its id; throws `{code, message}` when the specification is no good. */
  addRule(specification: string): number;
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
  /** Gives a captured request what it has not needed so far, for queries. */
  hydrate(sequence: number, headers: string, body: Uint8Array): void;
  /** JSON: what the winning rule's path captured. Of the latest request only. */
  params(sequence: number): string;
  /** The text of a template reply for this request, which is the latest. */
  render(sequence: number, reply: number): string;
  /** The head of a reply that was made on this side. */
  answered(sequence: number, status: number, headers: string): void;
  /** The end of an exchange: 0 done, 1 cancelled, 2 failed. `delivered` counts body bytes the client has taken. */
  finish(sequence: number, outcome: number, delivered: number, detail: string): void;
  /** How many captures were evicted, oldest first, to keep the journal's cap. */
  dropped(): number;
  /** The sequence numbers of the captured requests that satisfy the condition. */
  matching(condition: string): Float64Array;
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
 * milliseconds), so that importing this package costs nothing. `options` are JSON.
 */
export function newEngine(options: string | undefined): Engine {
  compile();
  if (options !== undefined) return WasmEngine.withOptions(options) as Engine;
  return idle.pop() ?? (new WasmEngine() as Engine);
}

/** A script on its way to one client. It has to be freed. */
export interface Player {
  /** Whether it comes to an end, and is the same for every seed and request. */
  readonly isConstant: boolean;
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

/** Begins a script, which is JSON. Throws `{code, message}` when it cannot be played. */
export function newPlayer(script: string, seed: number, sequence: number): Player {
  compile();
  return new WasmPlayer(script, seed, sequence) as Player;
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

/** Says whom all engines ask about predicates. */
export function onPredicate(test: (predicate: number, sequence: number) => boolean): void {
  WasmEngine.listen(test);
}

function compile(): void {
  if (compiled) return;
  initSync({ module: new WebAssembly.Module(decode(base64)) });
  compiled = true;
}
