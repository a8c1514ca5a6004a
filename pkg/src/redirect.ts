/** Redirects, followed as `fetch` follows them: each hop is a request of its own. */

import { addressOf } from "./address.js";
import { Exchange } from "./exchange.js";
import { without } from "./headers.js";
import { networkError } from "./network-error.js";

const MOST_HOPS = 20;

const OF_THE_BODY = new Set([
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
]);
const OF_THE_ORIGIN = new Set(["authorization", "cookie", "host", "proxy-authorization"]);

/** The request that a redirect leads to. Throws the network error of one that cannot be followed. */
export function redirected(exchange: Exchange, location: string, status: number): Exchange {
  const { core, signal, redirect, hops } = exchange;
  if (redirect === "error") throw networkError("ERR_FETCH_REDIRECT", undefined, "unexpected redirect");
  if (hops >= MOST_HOPS) throw networkError("ERR_FETCH_REDIRECT", undefined, "redirect count exceeded");
  const from = new URL(exchange.address.href);
  const to = resolved(location, from);
  let { method, headers } = exchange;
  let body = exchange.body ?? null;
  const becomesGet =
    ((status === 301 || status === 302) && method === "POST") ||
    (status === 303 && method !== "GET" && method !== "HEAD");
  if (becomesGet) {
    method = "GET";
    body = null;
    headers = without(headers, (name) => OF_THE_BODY.has(name));
  }
  if (to.origin !== from.origin) headers = without(headers, (name) => OF_THE_ORIGIN.has(name));
  const address = addressOf(to.href, core.base);
  return new Exchange(core, { address, method, headers, body, arriving: undefined, signal, redirect }, hops + 1);
}

function resolved(location: string, from: URL): URL {
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw networkError(
      "ERR_INVALID_URL",
      undefined,
      `the redirect leads to ${JSON.stringify(location)}, which is no URL`,
    );
  }
  if (to.protocol === "http:" || to.protocol === "https:") return to;
  throw networkError("ERR_INVALID_URL", undefined, "URL scheme must be a HTTP(S) scheme");
}
