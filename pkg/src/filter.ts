/** Which captured requests are meant. */

import type { CapturedRequest } from "./captured.js";
import { Condition, found } from "./conditions.js";
import type { Core } from "./core.js";
import { InvalidArgumentError, InvalidRuleError, MockwireError, shown } from "./errors.js";
import { withSentHost } from "./host.js";
import { routedMethod } from "./method.js";
import { encode } from "./predicates.js";
import { Rule } from "./rule.js";

/**
 * A path or URL, perhaps with a method before it (`POST /v1/messages`), a `RegExp` that is found in
 * the URL, a condition made with `when`, a rule, or a function.
 */
export type Filter = string | RegExp | Condition | Rule | ((request: CapturedRequest) => unknown);

/** The captured requests that are meant, oldest first. */
export function select(core: Core, filter: Filter | undefined): CapturedRequest[] {
  core.assertUsable();
  if (filter === undefined) return core.journal.all();
  if (filter instanceof Rule) return filter.requests();
  if (typeof filter === "function") return core.journal.all().filter(filter);
  if (typeof filter === "string") return aimedAt(core, filter);
  const { json, predicates } = encode(core, conditionOf(filter).specification);
  core.journal.tell();
  try {
    return core.journal.withNumbers(core.ask((engine) => engine.matching(json)));
  } catch (cause) {
    throw core.takeFailure() ?? invalid(filter, cause);
  } finally {
    core.releasePredicates(predicates);
  }
}

/** What the filter is called in messages. */
export function nameOf(filter: Filter): string {
  if (typeof filter === "string") return filter;
  if (filter instanceof Condition) return `a request with ${JSON.stringify(filter.specification)}`;
  if (typeof filter === "function")
    return filter.name === "" ? "a request that the function accepts" : `${filter.name}()`;
  return String(filter);
}

/** The requests for a target, which their lines alone decide. */
function aimedAt(core: Core, filter: string): CapturedRequest[] {
  const [, name = "", target = filter] = METHOD_AND_TARGET.exec(filter) ?? [];
  try {
    return core.journal.withNumbers(core.engine.matchingTarget(`${name === "" ? "" : routedMethod(name)} ${withSentHost(target)}`));
  } catch (cause) {
    throw invalid(filter, cause);
  }
}

/** A token (RFC 9110 §5.6.2), and what it is asked for. */
const METHOD_AND_TARGET = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +(\S.*)$/;

function conditionOf(filter: RegExp | Condition): Condition {
  if (filter instanceof Condition) return filter;
  if (filter instanceof RegExp) return found(filter, `URL ~ ${filter}`, (request) => request.url);
  throw new InvalidArgumentError(
    `a filter is a string, a RegExp, a condition, a rule or a function, not ${shown(filter)}`,
  );
}

function invalid(filter: string | RegExp | Condition, cause: unknown): Error {
  if (cause instanceof MockwireError) return cause;
  const { code = "MOCKWIRE_INVALID_PATTERN", message = String(cause) } = cause as { code?: string; message?: string };
  return new InvalidRuleError(code, `the filter ${nameOf(filter)}: ${message}`, { cause });
}
