/** What stands for a reply: values, statuses, responses. */

import { isBytes } from "../bytes.js";
import { InvalidReplyError, shown } from "../errors.js";
import { isResponse, ResponseReply } from "./foreign.js";
import { headOf, type ReplyInit } from "./head.js";
import { Reply } from "./reply.js";
import { bytes, json, StaticReply, text } from "./static.js";

/** What a body may be: text, bytes, any of the platform's, nothing, or else a value that is sent as JSON. */
export type ReplyBody = Blob | FormData | URLSearchParams | ReadableStream | ArrayBuffer | ArrayBufferView | Json;

/** A value that can be written as JSON; loose, so that interfaces fit. */
export type Json = string | number | boolean | null | undefined | object;

/** What a rule can answer with: a status, text, bytes, a value as JSON, a platform `Response`, or a `Reply`. */
export type Replyable = Reply | Response | ReplyBody;

const PLATFORM_BODY = /^\[object (?:Blob|File|FormData|URLSearchParams|ReadableStream)\]$/;

/** The reply that a value stands for: a number is a status. */
export function replyFrom(value: unknown): Reply {
  if (value instanceof Reply) return value;
  if (typeof value === "number") return new StaticReply(headOf({ status: value }), null);
  if (isResponse(value)) return new ResponseReply(value);
  if (value === undefined || typeof value === "function") {
    throw new InvalidReplyError(
      "MOCKWIRE_INVALID_BODY",
      `a reply is needed, not ${shown(value)}${value === undefined ? ": is a `return` missing?" : ""}`,
    );
  }
  return replyWith(value, {});
}

/** The reply with this body: a number is JSON. */
export function replyWith(body: unknown, init: ReplyInit): Reply {
  if (body === undefined || body === null) return new StaticReply(headOf(init), null);
  if (typeof body === "string") return text(body, init);
  if (isBytes(body)) return bytes(body, init);
  if (PLATFORM_BODY.test(Object.prototype.toString.call(body))) return platformBody(body as BodyInit, init);
  if (typeof body === "function" || body instanceof Reply || isResponse(body)) {
    throw new InvalidReplyError(
      "MOCKWIRE_INVALID_BODY",
      `a body cannot be ${shown(body)}: give it as the only argument`,
    );
  }
  return json(body, init);
}

/** Lets the platform write what only it can: boundaries of forms, types of blobs. */
function platformBody(body: BodyInit, init: ReplyInit): Reply {
  const { status, statusText, headers } = headOf(init);
  const list = [];
  for (let at = 0; at < headers.length; at += 2) list.push([headers[at]!, headers[at + 1]!] as [string, string]);
  try {
    return new ResponseReply(new Response(body, { status, statusText, headers: list }));
  } catch (cause) {
    throw new InvalidReplyError(
      "MOCKWIRE_INVALID_BODY",
      `the platform makes no response of this: ${(cause as Error).message}`,
      { cause },
    );
  }
}
