/** Replies of events, and of lines of JSON: values in, frames out. */

import { encode } from "../bytes.js";
import { encodeEvent } from "../engine.js";
import { InvalidReplyError, shown } from "../errors.js";
import { jsonOf } from "../json.js";
import { headOf } from "./head.js";
import type { Reply } from "./reply.js";
import { eventOf, paceOf, scripted, type ServerSentEvent } from "./script.js";
import { iterated, listOf, type Source, streamed, type StreamInit } from "./stream.js";

/** A pause in an array of events. */
export type Pause = { readonly wait: number } | { readonly hold: string };

/**
 * Server-sent events, each one a frame, as `text/event-stream` unless the headers say otherwise. Text
 * stands for an event with this data, `{ wait }` and `{ hold }` for a pause between two events.
 *
 * The options say how they come in time, and how they end, when the events are at hand; an async
 * iterable has its own pace, and is told (`return()`) when the client gives up.
 *
 * @example
 * reply.events(["one", { event: "delta", data: { text: "two" } }], { gap: 50, terminal: "data: [DONE]\n\n" })
 */
export function events(source: Source<string | ServerSentEvent | Pause>, init: StreamInit = {}): Reply {
  const [head, pace] = [headOf(init, "text/event-stream"), paceOf(init)];
  if (pace === undefined && !Array.isArray(source)) {
    return iterated(head, source, (item) => encodeEvent(jsonOf(checked(item), "an event", InvalidReplyError)));
  }
  const steps = listOf("events", source).map((item) => (isPause(item) ? item : { event: checked(item) }));
  return scripted(head, { ...pace, steps });
}

/**
 * Lines of JSON, each one a frame, as `application/x-ndjson` unless the headers say otherwise. For the
 * options see {@link events}.
 */
export function ndjson(source: Source<unknown>, init: StreamInit = {}): Reply {
  const [head, pace] = [headOf(init, "application/x-ndjson"), paceOf(init)];
  if (pace === undefined && !Array.isArray(source)) return iterated(head, source, (value) => encode(line(value)));
  return streamed(head, listOf("ndjson", source).map(line), pace);
}

function line(value: unknown): string {
  return `${jsonOf(value, "a line", InvalidReplyError)}\n`;
}

function checked(item: unknown): object {
  if (typeof item === "string") return { data: item };
  if (typeof item === "object" && item !== null && !isPause(item)) return eventOf(item);
  throw new InvalidReplyError("MOCKWIRE_INVALID_BODY", `an event is text or an object, not ${shown(item)}`);
}

function isPause(item: unknown): item is Pause {
  return typeof item === "object" && item !== null && ("wait" in item || "hold" in item);
}
