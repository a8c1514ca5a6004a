/**
 * The engine: the Rust core behind its WebAssembly edge. It decides; this package performs.
 *
 * What crosses: one short line per request in, one number out. Bodies and replies stay on the
 * JavaScript side and are named by number; headers and bodies follow only when a rule looks at them.
 */

import { Engine as WasmEngine, initSync } from "mockwire-wasm";
import base64 from "mockwire-wasm/base64";

/** What `call` and `decide` answer instead of the number of a reply. */
export const NEEDS = -1;
export const UNMATCHED = -2;
export const FAILED = -3;
/** What `callKnown` answers when the engine does not remember the line: no request has arrived then. */
export const FORGOTTEN = -4;

/** The engine's methods. Sequence numbers count requests from 1; rule ids are its own. */
export interface Engine {
  /** Registers a rule and answers its id; throws `{code, message}` when the specification is no good. */
  addRule(specification: string): number;
  /**
   * As `addRule`, for one that asks for no more than a method (none when it is empty) and a path or URL,
   * and always gives the same reply: most rules, and cheaper than JSON.
   */
  addPlainRule(method: string, target: string, status: number, reply: number, site: string): number;
  /** Throws when the id is stale. */
  removeRule(rule: number): void;
  /**
   * A request arrives: `line` is `METHOD URL`. Answers the number of the reply to give, or `NEEDS`
   * (then `decide` is called with the whole request), `UNMATCHED`, or `FAILED` (`lastError` tells).
   */
  call(line: string): number;
  /** Remembers a line, as the latest of 1024; its number. Throws when it cannot be read. */
  line(line: string): number;
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
  setScenario(name: string, state: string): void;
  scenario(name: string): string;
  /** The transport's time, in milliseconds since it was made. */
  now(): number;
  advance(milliseconds: number): void;
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

/**
 * A new engine. The first one compiles the WebAssembly module, synchronously (a few milliseconds),
 * so that importing this package costs nothing.
 */
export function newEngine(options: string, test: (predicate: number, sequence: number) => boolean): Engine {
  if (!compiled) {
    initSync({ module: new WebAssembly.Module(decode(base64)) });
    compiled = true;
  }
  return new WasmEngine(options, test) as Engine;
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  if (typeof fromBase64 === "function") return fromBase64.call(Uint8Array, text);
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: "base64"): Uint8Array<ArrayBuffer> } };
  if (typeof Buffer?.from === "function") return Buffer.from(text, "base64");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
