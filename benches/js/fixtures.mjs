// The request and the reply that everyone exchanges: the same files as the native benchmarks.
import { readFileSync } from "node:fs";

const fixture = (name) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");

export const REQUEST = fixture("request.json");
export const REPLY = fixture("reply.json");
export const ORIGIN = "https://api.test";
export const PATH = "/v1/messages";
export const URL_OF_ALL = ORIGIN + PATH;
export const JSON_HEADERS = { "content-type": "application/json" };

/** The path of the `n`th handler that is registered but never asked for. */
export const otherPath = (n) => `/v1/items/${String(n).padStart(5, "0")}`;

/** The paths of `count` handlers; the one that is asked for comes last. */
export const paths = (count) => [...Array.from({ length: count - 1 }, (_, n) => otherPath(n)), PATH];

/** What a caller hands to `fetch`: new objects each time, as in real code. */
export const init = () => ({
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json", "x-request-id": "req-7f3a90c1" },
  body: REQUEST,
});

/** A thousand server-sent events of about a hundred bytes. */
export const EVENTS = Array.from(
  { length: 1000 },
  (_, n) => `event: content_block_delta\ndata: {"type":"delta","index":${n},"text":"a few words of a longer answer, piece ${n}"}\n\n`,
);
export const SSE_HEADERS = { "content-type": "text/event-stream" };
export const STREAM_URL = `${ORIGIN}/v1/events`;

/** What is said over a WebSocket. */
export const MESSAGE = JSON.stringify({ type: "message", id: 7, text: "a few words of a conversation" });
export const SOCKET_URL = "wss://api.test/v1/chat";

/** The events as one chunk, or as a chunk each. */
export const chunksOf = (kind) => (kind === "one" ? [EVENTS.join("")] : EVENTS);

/** The stream that people write by hand: it gives a chunk when it is asked for one. */
export function handWritten(kind) {
  const encoder = new TextEncoder();
  const chunks = chunksOf(kind);
  let next = 0;
  const pull = (controller) => {
    if (next === chunks.length) controller.close();
    else controller.enqueue(encoder.encode(chunks[next++]));
  };
  return kind === "one" ? chunks[0] : new ReadableStream({ pull });
}
