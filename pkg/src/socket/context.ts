/** Who a connection belongs to, and how it is used: the engine knows, and is told what passes. */

import type { CapturedRequest } from "../captured.js";
import type { Core } from "../core.js";
import { ConnectionRateError, HandlerError, InvalidRuleError, messageOf, shown, SocketError } from "../errors.js";
import type { Json } from "../reply/from.js";
import { headOf } from "../reply/head.js";
import type { SocketExchange } from "./exchange.js";
import { type SocketMessage, sizeOf, type SocketData } from "./message.js";

/** Who a connection belongs to. Each name has 1 to 128 bytes, and no control characters. */
export interface ConnectionIdentity {
  readonly user: string;
  /** Which of the user's threads it serves. */
  readonly thread: string;
  /** Which run of the thread it serves. */
  readonly run: string;
  /** What names the connection; `conn_1`, `conn_2`, .. unless given. No two open connections have the same. */
  readonly id?: string;
  /** When it was made, in the transport's time: when it opens, unless given. */
  readonly connectedAt?: number;
  /** How old it may be, in milliseconds, before that is worth a warning: two hours unless given. */
  readonly warnAfter?: number;
  /** Whatever the test wants to know of it. */
  readonly state?: Json;
}

/** Says who a connection belongs to, from its handshake. */
export type Identify<Params = Record<string, string>> = (request: CapturedRequest<Params>) => ConnectionIdentity;

/** At most so many connections in any window of so many milliseconds. */
export interface ConnectionRate {
  readonly connections: number;
  readonly per: number;
}

/**
 * What is known of a connection; frozen, as it was when it was asked for. Times are milliseconds of the
 * transport's time.
 */
export interface ConnectionContext {
  /** `conn_1`, `conn_2`, .. counted per transport, unless it was given another one. */
  readonly id: string;
  /** Whose it is; `undefined`, as `thread`, `run` and `key`, when nobody has said. */
  readonly user: string | undefined;
  readonly thread: string | undefined;
  readonly run: string | undefined;
  /** Names the user's thread, and no other one: `ada/notes`. */
  readonly key: string | undefined;
  readonly connectedAt: number;
  /** When something last passed over it. */
  readonly lastActivity: number;
  /** Whether it is in use: until it is closed, or lost. */
  readonly active: boolean;
  readonly state: any;
  /** What has passed over it, as the server sees it. Pings, pongs and close frames are no messages. */
  readonly traffic: {
    readonly messagesSent: number;
    readonly messagesReceived: number;
    readonly bytesSent: number;
    readonly bytesReceived: number;
  };
  /** Its age and the limit to that, when it is open and older than that. */
  readonly ageWarning: { readonly age: number; readonly limit: number } | undefined;
}

/** The context of one connection, as the engine has it. */
export class Context {
  readonly #core: Core;
  readonly #number: number;
  /** JSON: what was known last, once the connection is over. */
  #last: string | undefined;
  /** A connection whose handler has failed is not in flight any more, and may be open still. */
  readonly #onDispose = () => this.end();

  constructor(core: Core, number: number) {
    this.#core = core;
    this.#number = number;
    core.onDispose(this.#onDispose);
  }

  get #isOver(): boolean {
    return this.#last !== undefined;
  }

  begin(): void {
    const { engine, now } = this.#core;
    engine.beginContext(this.#number, now);
  }

  note({ from, type, at }: SocketMessage, data: SocketData): void {
    if (this.#isOver) return;
    const bytes = type === "text" || type === "binary" ? sizeOf(data) : -1;
    this.#core.engine.notePassed(this.#number, from === "client", bytes, at);
  }

  set state(state: Json) {
    if (!this.#isOver) this.#core.engine.setContextState(this.#number, JSON.stringify(state) ?? "null");
  }

  get info(): ConnectionContext {
    return parsed(this.#last ?? this.#core.engine.contextInfo(this.#number, this.#core.now));
  }

  /** The connection is over. */
  end(): void {
    if (this.#isOver) return;
    const { engine, now } = this.#core;
    this.#last = engine.closeContext(this.#number, now);
    this.#core.offDispose(this.#onDispose);
  }
}

/** Checks what a rule says of the speed of connections. */
export function checkedRate(core: Core, rate: ConnectionRate): ConnectionRate {
  const { connections, per } = rate ?? {};
  const isCount = Number.isInteger(connections) && connections >= 0 && connections <= 0xffff_ffff;
  if (!isCount || typeof per !== "number" || !(per >= 0 && per < Infinity)) {
    const given = typeof rate === "object" ? JSON.stringify(rate) : shown(rate);
    throw new InvalidRuleError(
      "MOCKWIRE_INVALID_OPTION",
      `connectionRate() takes { connections, per }, a whole number and milliseconds, not ${given}`,
    );
  }
  try {
    core.engine.checkRate(connections, per);
  } catch (cause) {
    const { code, message } = cause as { code: string; message: string };
    throw new InvalidRuleError(code, `connectionRate(): ${message}`, { cause });
  }
  return { connections, per };
}

/** Asks who the connection belongs to, and whether there may be another one. Throws when there may not. */
export function openContext(
  exchange: SocketExchange,
  identify: Identify<any> | undefined,
  rate: ConnectionRate | undefined,
): Context {
  const { core } = exchange;
  const rule = exchange.rule!;
  const identity = identify === undefined ? undefined : identified(exchange, identify);
  try {
    const { connections = 0, per = 0 } = rate ?? {};
    return new Context(core, core.engine.openContext(rule.id, connections, per, identity, core.now));
  } catch (cause) {
    const { code, message, retryAfter } = cause as { code: string; message: string; retryAfter?: number };
    if (retryAfter === undefined) throw new SocketError(code, `${rule}: ${message}`, { cause });
    const headers = { "retry-after": String(Math.ceil(retryAfter / 1000)) };
    exchange.answer(headOf({ status: 429, headers }));
    throw new ConnectionRateError(code, `the handshake was refused with 429 by ${rule}: ${message}`, retryAfter);
  }
}

function identified(exchange: SocketExchange, identify: Identify<any>): string {
  try {
    return JSON.stringify(identify(exchange.captured)) ?? "null";
  } catch (thrown) {
    throw new HandlerError(`identify() of ${exchange.rule} failed: ${messageOf(thrown)}`, thrown);
  }
}

function parsed(json: string): ConnectionContext {
  const missing = { user: undefined, thread: undefined, run: undefined, key: undefined, ageWarning: undefined };
  return deeplyFrozen({ ...missing, ...(JSON.parse(json) as ConnectionContext) });
}

function deeplyFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deeplyFrozen);
  return value;
}
