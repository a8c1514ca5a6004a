/** The arguments of `new WebSocket()`, read and refused as the WebSockets standard says. */

import { pageUrl } from "../address.js";
import { type HeadersInput, snapshot } from "../headers.js";
import type { Opening } from "./exchange.js";

/** The second argument of `new WebSocket()`, where it is neither a subprotocol nor a list of them. */
export interface WebSocketOptions {
  readonly protocols?: string | readonly string[] | undefined;
  /** Header fields of the handshake. Browsers cannot send any; clients for Node, Deno and Bun can. */
  readonly headers?:
    | HeadersInput
    | ReadonlyArray<readonly string[]>
    | Readonly<Record<string, string | readonly string[]>>
    | undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const SCHEMES: Readonly<Record<string, string>> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** Throws a `SyntaxError` (a `DOMException`) for a URL or a subprotocol that cannot be. */
export function openingOf(url: unknown, second: unknown, base: string | undefined): Opening {
  const { protocols, headers } = optionsOf(second);
  return { url: urlOf(String(url), base), protocols: checked(protocols), headers: snapshot(headers) };
}

function urlOf(text: string, base: string | undefined): URL {
  const url = parse(text, base ?? pageUrl());
  const scheme = url && SCHEMES[url.protocol];
  if (scheme === undefined) throw syntaxError(`'${text}' is not the URL of a WebSocket`);
  url!.protocol = scheme;
  if (url!.href.includes("#")) throw syntaxError(`The URL of a WebSocket has no fragment: '${text}'`);
  return url!;
}

function parse(text: string, base: string | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function optionsOf(second: unknown): { readonly protocols: unknown; readonly headers: WebSocketOptions["headers"] } {
  if (typeof second !== "object" || second === null || Symbol.iterator in second) {
    return { protocols: second ?? undefined, headers: undefined };
  }
  const { protocols, headers } = second as WebSocketOptions;
  return { protocols, headers };
}

function checked(given: unknown): string[] {
  const isList = typeof given === "object" && given !== null && Symbol.iterator in given;
  const list = given === undefined ? [] : isList ? Array.from(given as Iterable<unknown>, String) : [String(given)];
  const seen = new Set<string>();
  for (const protocol of list) {
    if (!TOKEN.test(protocol)) throw syntaxError(`'${protocol}' is not a WebSocket subprotocol`);
    const name = protocol.toLowerCase();
    if (seen.has(name)) throw syntaxError(`The WebSocket subprotocol '${protocol}' is offered twice`);
    seen.add(name);
  }
  return list;
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}
