/**
 * Replies as values: for handlers, for sequences, and to be kept and used again.
 *
 * @example
 * transport.get("/flaky").replySequence([reply.error("ECONNRESET"), 503, reply.json({ ok: true })])
 */

export { damaged } from "../faults/damage.js";
export { error, never } from "./failure.js";
export { fromExchange } from "./from-exchange.js";
export { events, ndjson } from "./lines.js";
export { passthrough } from "./passthrough.js";
export { bytes, empty, json, redirect, text } from "./static.js";
export { script } from "./script.js";
export { stream } from "./stream.js";
export { template } from "./template.js";
