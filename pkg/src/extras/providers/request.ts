/** Requests to models, and what the machine says about them. */

import type { ModelRequest } from "mockwire-extras";
import { type CapturedRequest, InvalidArgumentError } from "../../index.js";
import { machines } from "../machines.js";

/** The request that was asked about last: rules are asked about one request after the other. */
let latest: { readonly of: WeakRef<CapturedRequest<any, any>>; readonly asked: ModelRequest } | undefined;

/** The request as the machine has it. Good until it is asked about another one. */
export function asked(request: CapturedRequest<any, any>): ModelRequest {
  if (latest?.of.deref() === request) return latest.asked;
  latest?.asked.free();
  latest = undefined;
  const made = told(() => new (machines().ModelRequest)(request.url, request.text()));
  latest = { of: new WeakRef(request), asked: made };
  return made;
}

/** What a machine says; what it throws is an error of the package. */
export function told<T>(ask: () => T): T {
  try {
    return ask();
  } catch (thrown) {
    const { code, message } = thrown as { code?: unknown; message?: unknown };
    if (thrown instanceof InvalidArgumentError || typeof code !== "string") throw thrown;
    throw new InvalidArgumentError(String(message), code);
  }
}

/** A value as JSON, for a machine to read. */
export function written(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new InvalidArgumentError(`what a model is asked, and what it says, is JSON: ${(cause as Error).message}`, "MOCKWIRE_INVALID_JSON");
  }
}
