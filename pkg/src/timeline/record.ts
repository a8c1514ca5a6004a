/** From what a transport has noted to the timeline that is given out. */

import { base64 } from "../bytes.js";
import type { Core } from "../core.js";
import { InvalidArgumentError } from "../errors.js";
import type { Exchange } from "../exchange.js";
import { RatedReply } from "../faults/rough.js";
import { printable } from "../redact.js";
import { StaticReply } from "../reply/static.js";
import type { Rule } from "../rule.js";
import type { SocketMessage } from "../socket/message.js";
import { outagesOf } from "./outages.js";
import { isTime, present } from "./present.js";
import type { Timeline, TimelineBody, TimelineEnd, TimelineEntry, TimelineOptions } from "./value.js";

export function timelineOf(core: Core, options: TimelineOptions): Timeline {
  const unknown = Object.keys(Object(options)).find((name) => name !== "bodies");
  if (unknown !== undefined) throw new InvalidArgumentError(`timeline() has no option \`${unknown}\`: known is bodies`);
  const { bodies = false } = options;
  core.follow();
  core.rules.tellSites();
  const { engine, journal, now } = core;
  const rules: ToldRules = new Map();
  const entries = journal.exchanges().map((exchange) => entryOf(exchange, rules, bodies));
  const [droppedOutages, ...outages] = engine.outages();
  return {
    epoch: engine.epoch(),
    now,
    entries,
    outages: outagesOf(outages, entries),
    ...present({ droppedEntries: engine.dropped(), droppedOutages: Number(droppedOutages) }),
  };
}

/** What there is to say of rules, asked for once. */
type ToldRules = Map<Rule, { readonly rule: string; readonly site: string }>;

function entryOf(exchange: Exchange, rules: ToldRules, bodies: boolean): TimelineEntry {
  const { core, sequence, at, head, trace, delivered, content } = exchange;
  const { limit, acquired, refused } = core.noted(exchange) ?? {};
  const request = {
    method: exchange.method,
    url: exchange.address.href,
    headers: printable(exchange.headers, core.secrets),
    ...present({
      bytes: trace?.bodyLength ?? content?.byteLength,
      digest: content && content.byteLength > 0 ? digestOf(content.bytes) : undefined,
      body: bodies ? bodyOf(content?.bytes) : undefined,
    }),
  };
  return {
    sequence,
    request,
    received: at,
    ...present({
      queued: limit && { limit, ...present({ acquired }, isTime) },
      matched: exchange.rule && { at: exchange.matchedAt!, ...told(exchange.rule, rules) },
      refused,
      head: head && {
        at: exchange.answeredAt!,
        status: head.status,
        headers: printable(head.headers, core.secrets),
      },
      frames: framesOf(exchange),
      droppedFrames: trace?.droppedFrames,
      bytes: delivered,
      body: bodies ? bodyOf(responseBody(exchange)) : undefined,
      messages: exchange.messages.map((message) => said(message, bodies)),
      droppedMessages: exchange.droppedMessages,
      end: endOf(exchange),
    }),
  };
}

/** Frames as they were noted; or all of them when the last one was taken. */
function framesOf({ trace, delivered, endedAt, isSocket }: Exchange): TimelineEntry["frames"] {
  if (trace?.frames !== undefined) return trace.frames;
  if (endedAt === undefined || isSocket) return undefined;
  const frames: Array<{ at: number; bytes: number }> = [];
  let left = delivered;
  for (const length of [...(trace?.ready?.lengths?.() ?? []), Infinity]) {
    const bytes = Math.min(length, left);
    if (bytes > 0) frames.push({ at: endedAt, bytes });
    left -= bytes;
  }
  return frames;
}

function told(rule: Rule, rules: ToldRules): { readonly rule: string; readonly site: string } {
  const known = rules.get(rule);
  if (known !== undefined) return known;
  const words = rule.told();
  rules.set(rule, words);
  return words;
}

function said(message: SocketMessage, bodies: boolean): NonNullable<TimelineEntry["messages"]>[number] {
  const { at, from, type } = message;
  const bytes = type === "close" ? undefined : message.bytes();
  return { at, from, kind: type, ...present({ bytes: bytes?.length, body: bodies ? bodyOf(bytes) : undefined }) };
}

function endOf(exchange: Exchange): TimelineEnd | undefined {
  const { outcome, endedAt, error, trace } = exchange;
  if (outcome === "pending") return undefined;
  const code = outcome === "failed" ? trace?.code : undefined;
  // The code of a failed connection says it all.
  const isFault = code?.startsWith("MOCKWIRE_") === false;
  const message = outcome === "failed" && !isFault ? error : undefined;
  return { at: endedAt!, outcome, ...present({ cause: causeOf(exchange, code), code, message }) };
}

/** What made it end early, as the engine says it of its own exchanges. */
function causeOf({ outcome, trace, rule }: Exchange, code: string | undefined): TimelineEnd["cause"] {
  if (outcome === "cancelled") return "client";
  if (outcome !== "failed") return undefined;
  if (trace?.isKilled === true) return "killed";
  if (code === "MOCKWIRE_QUEUE_FULL") return "queueFull";
  if (code === "MOCKWIRE_HELD_DROPPED" || code?.startsWith("MOCKWIRE_HANDLER") === true) return "handler";
  if (code === undefined || code === "MOCKWIRE_SOCKET_ABORTED") return "fault";
  if (code.startsWith("MOCKWIRE_")) return "transport";
  // No rule was asked.
  return rule === undefined ? "outage" : "fault";
}

function responseBody({ reply, delivered }: Exchange): Uint8Array | undefined {
  const plain = reply instanceof RatedReply ? reply.reply : reply;
  return plain instanceof StaticReply ? plain.body?.bytes.subarray(0, delivered) : undefined;
}

function bodyOf(bytes: Uint8Array | undefined): TimelineBody | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: base64(bytes) };
  }
}

/** FNV-1a, 32 bits. */
function digestOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
