/** A WebSocket rule in the making. */

import { RuleBuilder, type Registrar } from "../builder.js";
import { scheme } from "../conditions.js";
import { RuleDraft } from "../draft.js";
import { InvalidRuleError, shown } from "../errors.js";
import type { HeadersInput } from "../headers.js";
import { error } from "../reply/failure.js";
import { replyWith, type ReplyBody } from "../reply/from.js";
import type { Rule } from "../rule.js";
import { placeOf } from "../site.js";
import { parseTarget, type Target } from "../target.js";
import { AcceptReply, type ProtocolChoice, type SocketHandler } from "./accept.js";
import { Endpoint } from "./endpoint.js";
import { encodeScript, type SocketScript } from "./script.js";

/**
 * Collects what a WebSocket rule asks of a handshake, as {@link RuleBuilder} does, until it is said what
 * becomes of the connection: `accept`, `refuse` or `fail`. What any rule can reply with, refuses it too:
 * `reply`, `hold`, `replySequence`, ...
 */
export class SocketRuleBuilder<Params = Record<string, string>> extends RuleBuilder<Params> {
  readonly #registrar: Registrar;
  readonly #draft: RuleDraft;
  #protocol: ProtocolChoice | undefined;

  /** @internal */
  constructor(registrar: Registrar, draft: RuleDraft) {
    super(registrar, draft);
    this.#registrar = registrar;
    this.#draft = draft;
  }

  /**
   * The subprotocol to agree on, or a function that chooses one of those offered. The first that the
   * client offers, unless given: a client that offers some refuses a connection without one.
   *
   * @example transport.websocket("wss://api.test/chat").protocol("v2").accept();
   */
  protocol(choice: ProtocolChoice): this {
    if (typeof choice !== "string" && typeof choice !== "function") {
      const given = shown(choice);
      throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `protocol() takes a string or a function, not ${given}`);
    }
    this.#protocol = choice;
    return this;
  }

  /**
   * Accepts connections: by hand (`endpoint.next()` gives each one), with a function that plays the
   * server, or with a script.
   *
   * @example
   * transport.websocket("wss://api.test/echo").accept((socket) => {
   *   socket.onmessage = (message) => socket.send(message);
   * });
   * transport.websocket("wss://api.test/greeter").accept({ steps: [{ expect: "hi" }, { send: "hello" }] });
   */
  accept(server?: SocketHandler<Params> | SocketScript): Endpoint<Params> {
    const endpoint = new Endpoint<Params>(this.#registrar.core);
    const reply =
      typeof server === "object" && server !== null
        ? this.#scripted(endpoint, server)
        : new AcceptReply(endpoint, checked(server), this.#protocol);
    return endpoint.attach(this.#registrar.register(this.#draft, [reply], undefined, placeOf(this.accept)));
  }

  /**
   * Answers the handshake with a status, and perhaps a body, instead of opening the connection: the
   * client's socket gets an `error` and the code 1006.
   *
   * @example transport.websocket("wss://api.test/chat").withoutHeader("authorization").refuse(401);
   */
  refuse(status: number, body?: ReplyBody, headers?: HeadersInput): Rule {
    const reply = replyWith(body, headers === undefined ? { status } : { status, headers });
    return this.#registrar.register(this.#draft, [reply], undefined, placeOf(this.refuse));
  }

  /**
   * The connection fails before there is an answer, with a code such as `ECONNREFUSED`, or with this error.
   *
   * @example transport.websocket("wss://api.test/chat").once().fail("ENOTFOUND");
   */
  fail(code: string | Error = "ECONNREFUSED"): Rule {
    return this.#registrar.register(this.#draft, [error(code)], undefined, placeOf(this.fail));
  }

  #scripted(endpoint: Endpoint<Params>, given: SocketScript): AcceptReply {
    const script = encodeScript(given);
    try {
      const protocol = this.#registrar.core.engine.checkScript(script);
      return new AcceptReply(endpoint, script, protocol ?? this.#protocol);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message?: string };
      throw new InvalidRuleError(code ?? "MOCKWIRE_INVALID_OPTION", `accept(): ${message}`, { cause });
    }
  }
}

function checked<T>(server: T): T {
  if (server === undefined || typeof server === "function") return server;
  throw new InvalidRuleError("MOCKWIRE_INVALID_OPTION", `accept() takes a function or a script, not ${shown(server)}`);
}

/** The beginning of a WebSocket rule: the target is for `ws:` and `wss:` URLs alone. @internal */
export function socketRule<Params>(registrar: Registrar, target: Target | undefined): SocketRuleBuilder<Params> {
  const isText = typeof target === "string";
  const parsed = parseTarget(isText ? target.replace(/^http(s?):\/\//i, "ws$1://") : target);
  const rule = new SocketRuleBuilder<Params>(registrar, new RuleDraft(parsed, "GET", false));
  return isText && /^wss?:\/\//i.test(parsed.text!) ? rule : rule.any(scheme("ws"), scheme("wss"));
}
