/** The beginnings of rules: what transports and scopes have in common. */

import { RuleBuilder, type Registrar } from "./builder.js";
import { RuleDraft } from "./draft.js";
import { InvalidRuleError } from "./errors.js";
import { routedMethod } from "./method.js";
import type { PathParams } from "./path-params.js";
import { type SocketRuleBuilder, socketRule } from "./socket/builder.js";
import { parseTarget, type Target } from "./target.js";

/**
 * Where rules begin. A target is a path, a URL, a `RegExp`, a `URLPattern` or a function; without
 * one, every URL is meant.
 *
 * @example
 * transport.get("/users/:id").reply((request) => ({ id: request.params.id }));
 */
export abstract class Routes {
  /** @internal */
  protected abstract readonly registrar: Registrar;

  /** A rule for this method: names of one's own as they are written, the usual ones in any case. */
  on<const T extends Target>(method: string, target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, checkedMethod(method));
  }

  /** A rule for every method. */
  all<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, undefined);
  }

  get<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "GET");
  }

  post<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "POST");
  }

  put<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "PUT");
  }

  patch<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "PATCH");
  }

  delete<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "DELETE");
  }

  head<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "HEAD");
  }

  options<const T extends Target>(target?: T): RuleBuilder<PathParams<T>> {
    return this.#begin(target, "OPTIONS");
  }

  /**
   * A rule for WebSocket connections. Targets are those of other rules; `http` and `https` mean `ws` and
   * `wss`. Ends with `accept`, `refuse` or `fail`.
   *
   * @example
   * const chat = transport.websocket("wss://api.test/chat/:room").accept((socket, request) => {
   *   socket.send(`welcome to ${request.params.room}`);
   * });
   */
  websocket<const T extends Target>(target?: T): SocketRuleBuilder<PathParams<T>> {
    return socketRule(this.registrar, target);
  }

  /** The rule for requests that no other rule takes. */
  otherwise(): RuleBuilder {
    return this.#begin(undefined, undefined, true);
  }

  #begin<Params>(target: Target | undefined, method: string | undefined, otherwise = false): RuleBuilder<Params> {
    return new RuleBuilder(this.registrar, new RuleDraft(parseTarget(target), method, otherwise));
  }
}

function checkedMethod(method: string): string {
  try {
    return routedMethod(method);
  } catch (cause) {
    throw new InvalidRuleError("MOCKWIRE_INVALID_METHOD", `on(): ${(cause as Error).message}`, { cause });
  }
}
