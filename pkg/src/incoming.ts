/** What `fetch` was called with, read once and kept: later changes by the caller change nothing. */

import { type Address, addressOf } from "./address.js";
import { copyOf, isBytes } from "./bytes.js";
import { InvalidRequestError, shown } from "./errors.js";
import { type HeaderList, type Latest, NO_HEADERS, snapshot, withField } from "./headers.js";
import { methodOf } from "./method.js";

/** A request as it was given, and how its caller wants it handled. */
export interface Incoming {
  readonly address: Address;
  readonly method: string;
  readonly headers: HeaderList;
  /** The body; `undefined` while `arriving` is not settled. */
  readonly body: RequestBody | undefined;
  /** The bytes of a body that can only be read asynchronously. */
  readonly arriving: Promise<Uint8Array<ArrayBuffer>> | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: RedirectMode;
}

/** A body that is at hand. */
export type RequestBody = string | Uint8Array<ArrayBuffer> | null;

/** The fields of the latest request. */
const latest: Latest = { names: [], list: NO_HEADERS };

/** What to do with a redirect. */
export type RedirectMode = "follow" | "error" | "manual";

/** `RequestInit`, read with suspicion: a caller without types may have put anything there. */
type Init = { readonly [K in keyof RequestInit]?: unknown } & { readonly duplex?: unknown };

/** Reads the arguments of `fetch`. Throws what `fetch` rejects with. */
export function incoming(input: unknown, init: Init | null | undefined, base: string | undefined): Incoming {
  if (init != null && typeof init !== "object") {
    throw new InvalidRequestError("MOCKWIRE_INVALID_OPTION", `the options of fetch are an object, not ${shown(init)}`);
  }
  const isRequest = typeof input === "object" && input !== null && "url" in input && "headers" in input;
  if (isRequest) return init == null ? asIs(input as Request, base) : viaPlatform(input, init, base);
  const address = addressOf(typeof input === "string" ? input : String(input), base);
  if (init == null) {
    return {
      address,
      method: "GET",
      headers: [],
      body: null,
      arriving: undefined,
      signal: undefined,
      redirect: "follow",
    };
  }
  if (hasRareOptions(init)) return viaPlatform(input, init, base);
  const method = methodOf(init.method);
  let headers = snapshot(init.headers, latest);
  let body: RequestBody = null;
  if (init.body != null) {
    if (method === "GET" || method === "HEAD") {
      throw new InvalidRequestError("MOCKWIRE_INVALID_BODY", "Request with GET/HEAD method cannot have body.");
    }
    if (typeof init.body === "string") {
      body = init.body;
      headers = withField(headers, "content-type", "text/plain;charset=UTF-8");
    } else if (isBytes(init.body)) {
      body = copyOf(init.body);
    } else if (init.body instanceof URLSearchParams) {
      body = init.body.toString();
      headers = withField(headers, "content-type", "application/x-www-form-urlencoded;charset=UTF-8");
    } else {
      return viaPlatform(input, init, base);
    }
  }
  return {
    address,
    method,
    headers,
    body,
    arriving: undefined,
    signal: signalOf(init.signal),
    redirect: redirectOf(init.redirect),
  };
}

/** A platform `Request` without options: read in place, because making another one is slow. */
function asIs(request: Request, base: string | undefined): Incoming {
  if (request.bodyUsed) {
    throw new InvalidRequestError(
      "MOCKWIRE_INVALID_BODY",
      "Cannot construct a Request with a Request object that has already been used.",
    );
  }
  // `body` is missing where request streams are not supported; then only reading tells.
  const empty = request.body === null || request.method === "GET" || request.method === "HEAD";
  const arriving = empty ? undefined : request.arrayBuffer().then((buffer) => new Uint8Array(buffer), unreadable);
  // Whoever needs it waits for it; that nobody does is no unhandled rejection.
  arriving?.catch(() => {});
  return {
    address: addressOf(request.url, base),
    method: request.method,
    headers: snapshot(request.headers),
    body: empty ? null : undefined,
    arriving,
    signal: request.signal,
    redirect: request.redirect,
  };
}

/** The body cannot be read to its end, which for the client is a connection that fails. */
function unreadable(cause: unknown): never {
  throw new TypeError("fetch failed", { cause });
}

/** Lets the platform read what is rare: it checks every option and encodes every kind of body. */
function viaPlatform(input: unknown, init: Init, base: string | undefined): Incoming {
  const signal = signalOf(init.signal !== undefined ? init.signal : (input as Partial<Request>).signal);
  const target =
    typeof input === "object" && input !== null && "url" in input ? input : addressOf(String(input), base).href;
  // Without the signal: the copy would listen to it for nothing.
  const options = { ...init, signal: null } as RequestInit;
  return { ...asIs(new Request(target as Request, options), base), signal };
}

/** Options that change nothing here, yet have values that the platform refuses. */
function hasRareOptions(init: Init): boolean {
  return (
    init.mode !== undefined ||
    init.credentials !== undefined ||
    init.cache !== undefined ||
    init.referrer !== undefined ||
    init.referrerPolicy !== undefined ||
    init.integrity !== undefined ||
    init.keepalive !== undefined ||
    init.window !== undefined ||
    init.duplex !== undefined
  );
}

function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal == null) return undefined;
  // By shape, not by class: the signal may come from another realm or a polyfill.
  if (typeof signal === "object" && "aborted" in signal && "addEventListener" in signal) return signal as AbortSignal;
  throw new InvalidRequestError("MOCKWIRE_INVALID_OPTION", `signal is not an AbortSignal but ${shown(signal)}`);
}

function redirectOf(redirect: unknown): RedirectMode {
  if (redirect === undefined) return "follow";
  if (redirect === "follow" || redirect === "error" || redirect === "manual") return redirect;
  throw new InvalidRequestError(
    "MOCKWIRE_INVALID_OPTION",
    `redirect is follow, error or manual, not ${shown(redirect)}`,
  );
}
