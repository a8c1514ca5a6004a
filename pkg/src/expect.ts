/** Assertions on what was captured. They throw a `VerificationError` that says what was there instead. */

import type { CapturedRequest } from "./captured.js";
import type { Core } from "./core.js";
import { InvalidArgumentError, VerificationError } from "./errors.js";
import { type Filter, nameOf, select } from "./filter.js";
import { boundsOf, type Times } from "./times.js";

export function expectCalled(core: Core, filter: Filter, times: number | Times): void {
  const { min, max } = boundsOf("expectCalled", times, (message) => new InvalidArgumentError(message));
  const calls = select(core, filter).length;
  if (calls >= min && (max === null || calls <= max)) return;
  const was = calls === 0 ? "it never was" : `it was called ${often(calls)}`;
  throw new VerificationError(`expected ${nameOf(filter)} ${range(min, max)}, but ${was}${captured(core)}`);
}

export function expectInOrder(core: Core, filters: readonly Filter[]): void {
  let after = 0;
  let previous = "";
  for (const filter of filters) {
    const next = select(core, filter).find((request) => request.sequence > after);
    if (next === undefined) {
      throw new VerificationError(`expected ${nameOf(filter)}${previous}, but there was none${captured(core)}`);
    }
    after = next.sequence;
    previous = ` after #${after} (${nameOf(filter)})`;
  }
}

export function expectNoUnmatched(core: Core): void {
  const unmatched = select(core, (request) => request.outcome === "unmatched");
  if (unmatched.length === 0) return;
  throw new VerificationError(
    `expected that every request is answered, but ${unmatched.length} matched no rule:${list(unmatched)}`,
  );
}

function captured(core: Core): string {
  const requests = core.journal.all();
  return requests.length === 0 ? "; nothing was captured" : `; captured were:${list(requests)}`;
}

function list(requests: readonly CapturedRequest[]): string {
  const shown = requests.slice(-20);
  const hidden = requests.length - shown.length;
  return `${hidden > 0 ? `\n  (${hidden} earlier ones)` : ""}${shown.map((request) => `\n  ${request}`).join("")}`;
}

function range(min: number, max: number | null): string {
  if (min === max) return min === 0 ? "not to be called" : `to be called ${often(min)}`;
  if (max === null) return `to be called at least ${often(min)}`;
  return min === 0 ? `to be called at most ${often(max)}` : `to be called ${min} to ${max} times`;
}

function often(calls: number): string {
  return calls === 1 ? "once" : `${calls} times`;
}
