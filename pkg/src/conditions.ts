/**
 * Conditions on a request: what the methods of a rule are made of, to be combined freely.
 *
 * @example
 * transport.post("/chat").matching(when.any(when.header("x-plan", "pro"), when.jsonAt("/model", "small")))
 */

import type { CapturedRequest } from "./captured.js";
import { copyOf, isBytes, latin1 } from "./bytes.js";
import { type Check, InvalidRuleError, shown } from "./errors.js";
import { sentHost, withSentHost } from "./host.js";
import { jsonOf } from "./json.js";
import { Predicate } from "./predicates.js";

/** A condition on a request. Made by the functions of `when`; the engine tests it. */
export class Condition {
  /** What crosses to the engine, predicates not yet numbered. @internal */
  readonly specification: object;

  /** @internal */
  constructor(specification: object) {
    this.specification = specification;
  }
}

/** A test of one text: an exact value, or a pattern for it. */
export type TextTest = string | RegExp;

/** All of the conditions hold; also when there are none. */
export function all(...conditions: Condition[]): Condition {
  return new Condition({ all: parts("all", conditions) });
}

/** At least one of the conditions holds. */
export function any(...conditions: Condition[]): Condition {
  return new Condition({ any: parts("any", conditions) });
}

/** The condition does not hold. */
export function not(condition: Condition): Condition {
  return new Condition({ not: parts("not", [condition])[0] });
}

/**
 * The function returns something true for the request, or the pattern is found in the body's text. A
 * function is called at most once for a request; what it throws, `fetch` rejects with.
 */
export function matching(test: RegExp | ((request: CapturedRequest) => unknown) | Condition): Condition {
  if (test instanceof Condition) return test;
  if (test instanceof RegExp) return found(test, `body ~ ${test}`, (request) => request.text());
  if (typeof test === "function") return predicate(test, test.name === "" ? "(request) => …" : `${test.name}()`);
  throw new InvalidRuleError(
    "MOCKWIRE_INVALID_PATTERN",
    `matching() takes a function, a RegExp or a condition, not ${shown(test)}`,
  );
}

/**
 * A condition of your own, under a name that messages tell: what the module of a protocol makes. With
 * `explain`, the diagnosis of a request that no rule fits tells each thing that it asks.
 *
 * @example
 * const brief = when.custom("a brief text", (request) => request.text().length < 100);
 */
export function custom(
  label: string,
  test: (request: CapturedRequest) => unknown,
  explain?: (request: CapturedRequest) => readonly Check[],
): Condition {
  if (typeof test === "function" && (explain === undefined || typeof explain === "function")) {
    return new Condition({ predicate: new Predicate(test, text("custom", label), explain) });
  }
  throw new InvalidRuleError("MOCKWIRE_INVALID_PATTERN", `custom() takes functions here, not ${shown(test)}`);
}

export function method(name: string): Condition {
  return new Condition({ method: text("method", name) });
}

/** The URL is this one: whole, or a path. `:id` and `{id}` capture, `*` and `**` stand for anything. */
export function url(target: string): Condition {
  return new Condition({ url: withSentHost(text("url", target)) });
}

export function scheme(name: string): Condition {
  return new Condition({ scheme: text("scheme", name) });
}

/** The host, without its port; `*` stands for anything. */
export function host(name: string): Condition {
  return new Condition({ host: sentHost(text("host", name)) });
}

export function port(number: number): Condition {
  return new Condition({ port: count("port", number) });
}

export function path(pattern: string): Condition {
  return new Condition({ path: text("path", pattern) });
}

/** A header has this value, or one that the pattern is found in. */
export function header(name: string, value: TextTest): Condition {
  const key = text("header", name);
  if (value instanceof RegExp) {
    return found(value, `header ${key} ~ ${value}`, (request) => request.headers.get(key) ?? undefined);
  }
  return new Condition({ header: { name: key, test: { equals: text("header", value) } } });
}

export function headerContains(name: string, part: string): Condition {
  return new Condition({
    header: { name: text("headerContains", name), test: { contains: text("headerContains", part) } },
  });
}

export function hasHeader(name: string): Condition {
  return new Condition({ header: { name: text("hasHeader", name), test: "present" } });
}

export function withoutHeader(name: string): Condition {
  return new Condition({ header: { name: text("withoutHeader", name), test: "missing" } });
}

/** A query parameter has this value, or one that the pattern is found in. */
export function query(name: string, value: TextTest): Condition {
  const key = text("query", name);
  if (value instanceof RegExp) {
    return found(value, `query ${key} ~ ${value}`, (request) => request.query.get(key) ?? undefined);
  }
  return new Condition({ query: { name: key, test: { equals: text("query", value) } } });
}

export function queryContains(name: string, part: string): Condition {
  return new Condition({
    query: { name: text("queryContains", name), test: { contains: text("queryContains", part) } },
  });
}

export function hasQuery(name: string): Condition {
  return new Condition({ query: { name: text("hasQuery", name), test: "present" } });
}

export function withoutQuery(name: string): Condition {
  return new Condition({ query: { name: text("withoutQuery", name), test: "missing" } });
}

export function cookie(name: string, value: string): Condition {
  return new Condition({ cookie: { name: text("cookie", name), test: { equals: text("cookie", value) } } });
}

export function hasCookie(name: string): Condition {
  return new Condition({ cookie: { name: text("hasCookie", name), test: "present" } });
}

export function withoutCookie(name: string): Condition {
  return new Condition({ cookie: { name: text("withoutCookie", name), test: "missing" } });
}

/** A field of a form that was sent as the body (`application/x-www-form-urlencoded`). */
export function form(name: string, value: string): Condition {
  return new Condition({ form: { name: text("form", name), test: { equals: text("form", value) } } });
}

export function formContains(name: string, part: string): Condition {
  return new Condition({ form: { name: text("formContains", name), test: { contains: text("formContains", part) } } });
}

export function hasForm(name: string): Condition {
  return new Condition({ form: { name: text("hasForm", name), test: "present" } });
}

/** The body is exactly this text, or these bytes; or the pattern is found in its text. */
export function body(content: TextTest | ArrayBuffer | ArrayBufferView): Condition {
  if (content instanceof RegExp) return matching(content);
  if (isBytes(content)) return new Condition({ body_bytes: latin1(copyOf(content)) });
  return new Condition({ body: { equals: text("body", content) } });
}

export function bodyContains(part: string): Condition {
  return new Condition({ body: { contains: text("bodyContains", part) } });
}

/** The body is this JSON value; the order of keys means nothing, and `1.0` is `1`. */
export function json(value: unknown): Condition {
  return new Condition({ json: { pointer: "", test: { equals: jsonValue("json", value) } } });
}

/** The body is JSON and has at least this: objects may have more keys. */
export function jsonPartial(value: unknown): Condition {
  return new Condition({ json: { pointer: "", test: { includes: jsonValue("jsonPartial", value) } } });
}

/** The value at a JSON pointer (RFC 6901), such as `/messages/0/role`, is this one. */
export function jsonAt(pointer: string, value: unknown): Condition {
  return new Condition({ json: { pointer: text("jsonAt", pointer), test: { equals: jsonValue("jsonAt", value) } } });
}

/** The value at a JSON pointer has at least this. */
export function jsonPartialAt(pointer: string, value: unknown): Condition {
  const test = { includes: jsonValue("jsonPartialAt", value) };
  return new Condition({ json: { pointer: text("jsonPartialAt", pointer), test } });
}

/** There is a value at the JSON pointer. */
export function hasJson(pointer: string): Condition {
  return new Condition({ json: { pointer: text("hasJson", pointer), test: "present" } });
}

/** There is no value at the JSON pointer; also when the body is no JSON. */
export function withoutJson(pointer: string): Condition {
  return new Condition({ json: { pointer: text("withoutJson", pointer), test: "missing" } });
}

export function basicAuth(user: string, password: string): Condition {
  return new Condition({ basic_auth: { user: text("basicAuth", user), password: text("basicAuth", password) } });
}

export function bearer(token: string): Condition {
  return new Condition({ bearer: text("bearer", token) });
}

/** The value of the transport's `state` under this key is this one, when the request comes. */
export function stateIs(key: string, value: unknown): Condition {
  return new Condition({ state: { key: text("stateIs", key), test: { equals: jsonValue("stateIs", value) } } });
}

/** The transport's `state` has a value under this key. */
export function hasState(key: string): Condition {
  return new Condition({ state: { key: text("hasState", key), test: "present" } });
}

/** The transport's `state` has no value under this key. */
export function withoutState(key: string): Condition {
  return new Condition({ state: { key: text("withoutState", key), test: "missing" } });
}

/** It is the n-th request of its transport, from 1; or one of a range (`to` left out: and all later ones). */
export function nth(position: number | { readonly from: number; readonly to?: number }): Condition {
  const { from, to = undefined } = typeof position === "number" ? { from: position, to: position } : position;
  return new Condition({ nth: { from: count("nth", from), to: to === undefined ? null : count("nth", to) } });
}

/** A condition in JavaScript. @internal */
export function predicate(test: (request: CapturedRequest) => unknown, label: string): Condition {
  return new Condition({ predicate: new Predicate(test, label) });
}

/** The pattern is found in what `part` picks. @internal */
export function found(
  pattern: RegExp,
  label: string,
  part: (request: CapturedRequest) => string | undefined,
): Condition {
  // Without `g` and `y`, which would make a pattern remember where it was.
  const once = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return predicate((request) => {
    const text = part(request);
    return text !== undefined && once.test(text);
  }, label);
}

function parts(where: string, conditions: readonly Condition[]): object[] {
  return conditions.map((condition) => {
    if (condition instanceof Condition) return condition.specification;
    throw new InvalidRuleError("MOCKWIRE_INVALID_PATTERN", `${where}() takes conditions, not ${shown(condition)}`);
  });
}

function text(where: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new InvalidRuleError("MOCKWIRE_INVALID_PATTERN", `${where}() takes a string here, not ${shown(value)}`);
}

function count(where: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new InvalidRuleError("MOCKWIRE_INVALID_PATTERN", `${where}() takes a whole number here, not ${shown(value)}`);
}

function jsonValue(where: string, value: unknown): unknown {
  return JSON.parse(jsonOf(value, `${where}()`, InvalidRuleError));
}
