/** Where a request goes: a URL as `fetch` understands it, and the line that the engine is asked with. */

import { InvalidRequestError, shown } from "./errors.js";
import { Line } from "./lines.js";
import { isLocal, LocalUrlError } from "./local.js";

/** A normalised URL without its fragment. Shared by all requests that were given the same text. */
export class Address {
  readonly href: string;
  /** The path, if the URL is a plain one. */
  readonly plainPath: string | undefined;
  #get: Line | undefined;
  #post: Line | undefined;
  #others: Map<string, Line> | undefined;

  constructor(href: string, plainPath?: string) {
    this.href = href;
    this.plainPath = plainPath;
  }

  /** `METHOD URL`. Kept, so that no text is built for a repeated request, and none crosses. */
  line(method: string): Line {
    if (method === "POST") return (this.#post ??= new Line(`POST ${this.href}`));
    if (method === "GET") return (this.#get ??= new Line(`GET ${this.href}`));
    this.#others ??= new Map();
    let line = this.#others.get(method);
    if (line === undefined) this.#others.set(method, (line = new Line(`${method} ${this.href}`)));
    return line;
  }
}

/** URLs seen lately. When it is full it starts over, which bounds it without bookkeeping per use. */
const known = new Map<string, Address>();
const KNOWN_LIMIT = 512;
const KNOWN_LENGTH = 1024;

/**
 * The address that a text stands for; relative ones are resolved against `base`, or the page.
 * Throws what `fetch` throws: a `TypeError`.
 */
export function addressOf(text: string, base: string | undefined): Address {
  const found = known.get(text);
  if (found !== undefined) return found;
  const absolute = parse(text, undefined);
  const url = absolute ?? parse(text, base ?? pageUrl());
  if (url === undefined) {
    const isAbsolute = /^\s*[a-z][a-z0-9+.-]*:/i.test(text);
    const hint = isAbsolute ? "" : " (an absolute one is needed: set `baseUrl` to resolve relative ones)";
    throw new InvalidRequestError("MOCKWIRE_INVALID_URL", `Failed to parse URL from ${text}${hint}`);
  }
  if (isLocal(url)) throw new LocalUrlError(url);
  if (url.username !== "" || url.password !== "") {
    throw new InvalidRequestError(
      "MOCKWIRE_INVALID_URL",
      "Request cannot be constructed from a URL that includes credentials: send an authorization header",
    );
  }
  url.hash = "";
  const { href, pathname } = url;
  // Under its full text, too: it may have been written in another way, or relative to something.
  const address = known.get(href) ?? new Address(href, isPlainUrl(href) ? pathname : undefined);
  if (absolute !== undefined) keep(text, address);
  keep(href, address);
  return address;
}

function keep(text: string, address: Address): void {
  if (text.length > KNOWN_LENGTH) return;
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(text, address);
}

/**
 * Whether a URL is of plain letters and not long, so that there is one way to read it: its scheme is the web's,
 * nothing is escaped in it, and no query follows.
 */
function isPlainUrl(href: string): boolean {
  return href.length <= KNOWN_LENGTH && /^https?:\/\/[a-z0-9.-]+(?::\d+)?\/[\w.~/-]*$/.test(href);
}

/** The options' base URL, checked. */
export function checkedBase(base: string | undefined): string | undefined {
  if (base !== undefined && parse(base, undefined) === undefined) {
    throw new InvalidRequestError("MOCKWIRE_INVALID_URL", `\`baseUrl\` is not an absolute URL: ${shown(base)}`);
  }
  return base;
}

function parse(text: string, base: string | undefined): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** What relative URLs are resolved against in a page. */
export function pageUrl(): string | undefined {
  const page = globalThis as { document?: { baseURI?: string }; location?: { href?: string } };
  return page.document?.baseURI ?? page.location?.href;
}
