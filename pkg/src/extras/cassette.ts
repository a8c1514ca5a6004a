/**
 * Recorded traffic, replayed: a cassette is a readable file of requests and of what answered them. The same
 * file as in the Rust crate, to the byte.
 *
 * @example
 * const transport = new MockTransport();
 * const recorder = await Recorder.open("tests/cassettes/chat.json", { mode: "record-missing" });
 * transport.otherwise().reply(recorder.handler);
 *
 * @packageDocumentation
 */

export type { Handler } from "../index.js";
export { CassetteError } from "./cassette/errors.js";
export { type CassetteFiles } from "./cassette/files.js";
export { fromHar, type HarImport, type HarOptions, type SkippedEntry, toHar } from "./cassette/har.js";
export type { CassetteOptions, MatchOn, RecordMode, Redaction, Speed } from "./cassette/options.js";
export { Recorder, type RecorderOptions } from "./cassette/recorder.js";
