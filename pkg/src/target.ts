/** What a rule is for: the first argument of `get`, `post`, `on`, ... */

import type { CapturedRequest } from "./captured.js";
import { all, type Condition, found, predicate, url } from "./conditions.js";
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
  readonly label: string;
  readonly condition: Condition;
  /** Whether the engine captures parts of the path. */
  readonly captures: boolean;
  /** What the target captures, where the engine cannot tell. */
  readonly groups: ((href: string) => Record<string, string>) | undefined;
}

export function parseTarget(target: Target | undefined): ParsedTarget {
  if (target === undefined) return { label: "*", condition: all(), captures: false, groups: undefined };
  if (typeof target === "string")
    return { label: target, condition: url(target), captures: /\/:|\{/.test(target), groups: undefined };
  if (typeof target === "function") {
    const label = target.name === "" ? "(request) => …" : `${target.name}()`;
    return { label, condition: predicate(target, label), captures: false, groups: undefined };
  }
  if (target instanceof RegExp) {
    const pattern = new RegExp(target.source, target.flags.replace(/[gy]/g, ""));
    return {
      label: String(target),
      condition: found(target, `URL ~ ${target}`, (request) => request.url),
      captures: false,
      groups: (href) => defined(pattern.exec(href)?.groups),
    };
  }
  if (
    typeof target === "object" &&
    target !== null &&
    typeof target.test === "function" &&
    typeof target.exec === "function"
  ) {
    const label = `URLPattern ${target.pathname}`;
    return {
      label,
      condition: predicate((request) => target.test(request.url), label),
      captures: false,
      groups: (href) => defined(target.exec(href)?.pathname.groups),
    };
  }
  throw new InvalidRuleError(
    "MOCKWIRE_INVALID_PATTERN",
    `a rule is for a path, a URL, a RegExp, a URLPattern or a function, not ${shown(target)}`,
  );
}

function defined(groups: Readonly<Record<string, string | undefined>> | undefined): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups ?? {})) if (value !== undefined) result[name] = value;
  return result;
}
