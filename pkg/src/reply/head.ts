/** The head of a reply: status and header fields. */

import { InvalidReplyError, shown } from "../errors.js";
import { type HeaderList, type HeadersInput, type Latest, NO_HEADERS, snapshot, valueOf, withField } from "../headers.js";

/** Status and header fields, as `new Response(body, init)` takes them. */
export interface ReplyInit {
  /** 200 to 599; 200 unless given. */
  readonly status?: number;
  /** The reason phrase; the usual one of the status unless given. */
  readonly statusText?: string;
  readonly headers?: HeadersInput;
  /** How many milliseconds after the request the head comes, in the transport's time: at once unless given. */
  readonly delay?: number;
}

/** A checked head. Shared by all responses of its reply. */
export interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList;
  /** Where to go on, when the status is a redirect and says so. */
  readonly location: string | undefined;
  /** How long after the request it comes. */
  readonly delay: number;
  /** Where the reply comes from, when it is another transport's. */
  readonly origin?: { readonly url: string; readonly redirected: boolean };
}

/** Checks a head. Throws `InvalidReplyError` for a status out of range or a header that cannot be sent. */
export function headOf(init: ReplyInit = {}, contentType?: string): Head {
  const status = checkedStatus(init.status ?? 200);
  let headers: HeaderList;
  try {
    headers = snapshot(init.headers, latestFields);
  } catch (cause) {
    const { code, message } = cause as { code: string; message: string };
    throw new InvalidReplyError(code, `the reply's headers: ${message}`, { cause });
  }
  if (contentType !== undefined) headers = withField(headers, "content-type", contentType);
  const statusText = init.statusText === undefined ? (PHRASES[status] ?? "") : checkedPhrase(init.statusText);
  return shared(status, statusText, headers, checkedDelay(init.delay));
}

function checkedPhrase(statusText: string): string {
  if (!/[^\t -~\x80-\xff]/.test(statusText)) return statusText;
  throw new InvalidReplyError("MOCKWIRE_INVALID_STATUS", `${shown(statusText)} is an invalid reason phrase`);
}

let latest: Head | undefined;
const latestFields: Latest = { names: [], list: NO_HEADERS };

/** Replies made one after the other tend to have the same head: one object is enough for them. */
function shared(status: number, statusText: string, headers: HeaderList, delay: number): Head {
  const isLatest =
    latest?.status === status &&
    latest.delay === delay &&
    latest.statusText === statusText &&
    areEqual(latest.headers, headers);
  if (isLatest) return latest!;
  const location = isRedirect(status) ? valueOf(headers, "location") : undefined;
  return (latest = { delay, status, statusText, headers, location });
}

function areEqual(one: HeaderList, other: HeaderList): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

export function checkedStatus(status: unknown): number {
  if (typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599) return status;
  const given = typeof status === "number" ? String(status) : shown(status);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_STATUS",
    `a reply's status is a whole number from 200 to 599, not ${given}`,
  );
}

/** A pause in milliseconds; none unless given. */
export function checkedDelay(delay: unknown = 0): number {
  if (typeof delay === "number" && delay >= 0) return delay;
  throw new InvalidReplyError("MOCKWIRE_INVALID_OPTION", `a delay is a number of milliseconds, not ${shown(delay)}`);
}

/** Whether a reply with this status has no body, whatever is done (RFC 9110, section 15). */
export function forbidsBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

export function checkedBodyless(status: number): void {
  if (!forbidsBody(status)) return;
  throw new InvalidReplyError(
    "MOCKWIRE_BODY_NOT_ALLOWED",
    `a reply with status ${status} must not have a body: drop the body or choose another status`,
  );
}

/** Whether `fetch` follows a reply with this status. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

const PHRASES: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Payload Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a Teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
