/** What a rule is for: the first argument of `get`, `post`, `on`, ... */

import type { CapturedRequest } from "./captured.js";
import { type Condition, found, predicate } from "./conditions.js";
import { InvalidRuleError, shown } from "./errors.js";

/**
 * A path (`/v1/users/:id`, `/files/**`), a whole URL (`https://api.test/v1/{id}?page=1`), `*` for
 * everything, a `RegExp` that is found in the URL, a `URLPattern`, or a function.
 */
export type Target = string | RegExp | UrlPatternLike | ((request: CapturedRequest) => unknown);

/** A `URLPattern`, by shape: Node 20 has none, and polyfills are as good. */
export interface UrlPatternLike {
  readonly pathname: string;
  test(input: string): boolean;
  exec(input: string): { readonly pathname: { readonly groups: Readonly<Record<string, string | undefined>> } } | null;
}

/** A target, understood. */
export interface ParsedTarget {
  /** What it is called in messages. */
  readonly label: string;
  /** A path or URL, which the engine understands; else there is a condition. */
  readonly text: string | undefined;
  readonly condition: Condition | undefined;
  /** Whether the engine captures parts of the path. */
  readonly captures: boolean;
  /** What the target captures, where the engine cannot tell. */
  readonly groups: ((href: string) => Record<string, string>) | undefined;
}

export function parseTarget(target: Target | undefined): ParsedTarget {
  if (target === undefined) return ofText("*");
  if (typeof target === "string") return ofText(target);
  if (typeof target === "function") {
    const label = target.name === "" ? "(request) => …" : `${target.name}()`;
    return ofCondition(label, predicate(target, label));
  }
  if (target instanceof RegExp) {
    const pattern = new RegExp(target.source, target.flags.replace(/[gy]/g, ""));
    const condition = found(target, `URL ~ ${target}`, (request) => request.url);
    return ofCondition(String(target), condition, (href) => defined(pattern.exec(href)?.groups));
  }
  if (
    typeof target === "object" &&
    target !== null &&
    typeof target.test === "function" &&
    typeof target.exec === "function"
  ) {
    const label = `URLPattern ${target.pathname}`;
    const condition = predicate((request) => target.test(request.url), label);
    return ofCondition(label, condition, (href) => defined(target.exec(href)?.pathname.groups));
  }
  throw new InvalidRuleError(
    "MOCKWIRE_INVALID_PATTERN",
    `a rule is for a path, a URL, a RegExp, a URLPattern or a function, not ${shown(target)}`,
  );
}

function ofText(text: string): ParsedTarget {
  return { label: text, text, condition: undefined, captures: text.includes("/:") || text.includes("{"), groups: undefined };
}

function ofCondition(label: string, condition: Condition, groups?: ParsedTarget["groups"]): ParsedTarget {
  return { label, text: undefined, condition, captures: false, groups };
}

function defined(groups: Readonly<Record<string, string | undefined>> | undefined): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups ?? {})) if (value !== undefined) result[name] = value;
  return result;
}
