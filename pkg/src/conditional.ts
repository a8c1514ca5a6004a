/** The part of a rule in the making that says which requests it is for. */

import type { CapturedRequest } from "./captured.js";
import type { Condition, TextTest } from "./conditions.js";
import * as when from "./conditions.js";

/** Adds conditions, which must all hold. Those that combine others are made with {@link when}. */
export abstract class Conditional<Params, Body> {
  /** Adds a condition. @internal */
  protected abstract and(condition: Condition): this;

  /** The condition, the function, or, for a `RegExp`, that it is found in the body. See {@link when.matching}. */
  matching(test: Condition | RegExp | ((request: CapturedRequest<Params, Body>) => unknown)): this {
    return this.and(when.matching(test as Condition));
  }

  /** At least one of the conditions. */
  any(...conditions: Condition[]): this {
    return this.and(when.any(...conditions));
  }

  /** Not this condition. */
  not(condition: Condition): this {
    return this.and(when.not(condition));
  }

  /** See {@link when.header}. */
  header(name: string, value: TextTest): this {
    return this.and(when.header(name, value));
  }

  headerContains(name: string, part: string): this {
    return this.and(when.headerContains(name, part));
  }

  hasHeader(name: string): this {
    return this.and(when.hasHeader(name));
  }

  withoutHeader(name: string): this {
    return this.and(when.withoutHeader(name));
  }

  /** See {@link when.query}. */
  query(name: string, value: TextTest): this {
    return this.and(when.query(name, value));
  }

  queryContains(name: string, part: string): this {
    return this.and(when.queryContains(name, part));
  }

  hasQuery(name: string): this {
    return this.and(when.hasQuery(name));
  }

  withoutQuery(name: string): this {
    return this.and(when.withoutQuery(name));
  }

  cookie(name: string, value: string): this {
    return this.and(when.cookie(name, value));
  }

  /** See {@link when.body}. */
  body(content: TextTest | ArrayBuffer | ArrayBufferView): this {
    return this.and(when.body(content));
  }

  bodyContains(part: string): this {
    return this.and(when.bodyContains(part));
  }

  /** The body is this JSON value. See {@link when.json}. */
  json(value: unknown): this {
    return this.and(when.json(value));
  }

  /** The body is JSON and has at least this. See {@link when.jsonPartial}. */
  jsonPartial(value: unknown): this {
    return this.and(when.jsonPartial(value));
  }

  /** The value at a JSON pointer is this one. See {@link when.jsonAt}. */
  jsonAt(pointer: string, value: unknown): this {
    return this.and(when.jsonAt(pointer, value));
  }

  form(name: string, value: string): this {
    return this.and(when.form(name, value));
  }

  basicAuth(user: string, password: string): this {
    return this.and(when.basicAuth(user, password));
  }

  bearer(token: string): this {
    return this.and(when.bearer(token));
  }

  /** The value of the transport's `state` under this key is this one. See {@link when.stateIs}. */
  stateIs(key: string, value: unknown): this {
    return this.and(when.stateIs(key, value));
  }

  hasState(key: string): this {
    return this.and(when.hasState(key));
  }

  withoutState(key: string): this {
    return this.and(when.withoutState(key));
  }

  /** See {@link when.nth}. */
  nth(position: number | { readonly from: number; readonly to?: number }): this {
    return this.and(when.nth(position));
  }
}
