/** `data:` and `blob:` URLs: no server is asked for those, so the platform answers them, also where a transport is installed. */

import { InvalidRequestError } from "./errors.js";

/** There is no server to stand in for. */
export class LocalUrlError extends InvalidRequestError {
  constructor({ protocol }: URL) {
    super("MOCKWIRE_INVALID_URL", `no server answers \`${protocol}\` URLs: leave them to the platform's fetch`);
  }
}

let platformFetch: typeof fetch | undefined;

/** Keeps the platform's `fetch`, which a transport may replace later. */
export function keepPlatformFetch(): void {
  platformFetch = globalThis.fetch;
}

/** What the platform answers to a call that was refused with this error; `undefined` when it was not for that. */
export function localResponse(error: unknown, input: unknown, init: RequestInit | null | undefined): Promise<Response> | undefined {
  return error instanceof LocalUrlError ? platformFetch?.(input as RequestInfo, init ?? undefined) : undefined;
}

/** Whether a URL holds its content, or names something of this process. */
export function isLocal({ protocol }: URL): boolean {
  return protocol === "data:" || protocol === "blob:";
}
