/** Replies whose body comes in pieces. */

import { copyOf, encode, isBytes } from "../bytes.js";
import { HandlerError, InvalidReplyError, shown } from "../errors.js";
import type { LiveBody } from "./body.js";
import { type Head, headOf, type ReplyInit } from "./head.js";
import { LiveReply } from "./live.js";
import { IteratedPieces, ReadyPieces } from "./pieces.js";
import type { Reply } from "./reply.js";
import { type Pace, paceOf, scripted, scriptOf } from "./script.js";

/** A piece of a body. */
export type Chunk = string | ArrayBuffer | ArrayBufferView;

/** Pieces, at hand or to come. */
export type Chunks = Iterable<Chunk> | AsyncIterable<Chunk>;

/** The head of a stream, and how its pieces come in time. */
export interface StreamInit extends ReplyInit, Pace {}

/**
 * A body in pieces: an array, a generator, any iterable or async iterable, or a function that makes a
 * new one for each request. A piece is taken when the client asks for it, and the iterable is told
 * (`return()`) when the client cancels. What it throws, the reader of the body gets. The pieces of an
 * array may come in time: see {@link Pace}.
 *
 * @example
 * transport.get("/log").stream(["one\n", "two\n"], { gap: 50, end: "reset" });
 */
export function stream(chunks: Chunks | (() => Chunks), init: StreamInit = {}): Reply {
  return streamed(headOf(init), chunks, paceOf(init));
}

/** Pieces as they are, or, when they are at hand, at this pace. */
export function streamed(head: Head, chunks: Source<Chunk>, pace: Pace | undefined): Reply {
  if (pace !== undefined) return scripted(head, { ...pace, steps: listOf("stream", chunks) });
  if (!Array.isArray(chunks)) return iterated(head, chunks, pieceOf);
  const pieces = chunks.map(pieceOf);
  return new LiveReply(head, { open: () => new ReadyPieces(pieces), script: () => scriptOf(pieces) });
}

/** The pieces of what is iterated for each request. */
export function iterated<T>(head: Head, source: Source<T>, pieceOf: (item: T) => Uint8Array): Reply {
  const start = typeof source === "function" ? () => checked<T>(source()) : again(checked<T>(source));
  return new LiveReply(head, { open: () => new IteratedPieces(start, pieceOf) });
}

/** Values at hand, to come, or to be made for each request. */
export type Source<T> = Iterable<T> | AsyncIterable<T> | (() => Iterable<T> | AsyncIterable<T>);

/** The values, for those who need to know them beforehand. */
export function listOf<T>(caller: string, source: Source<T>): readonly T[] {
  if (Array.isArray(source)) return source;
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_OPTION",
    `${caller}() takes an array when options say how it comes in time: whatever makes its values has its own time`,
  );
}

function again<T>(source: Iterable<T> | AsyncIterable<T>): () => Iterable<T> | AsyncIterable<T> {
  let used = false;
  return () => {
    if (used && isOneWay(source)) {
      throw new HandlerError(
        "a stream's generator is used up by the first request: give a function that makes a new one",
        undefined,
      );
    }
    used = true;
    return source;
  };
}

function checked<T>(source: unknown): Iterable<T> | AsyncIterable<T> {
  // A string is an iterable of characters, which nobody means.
  if (typeof source === "string" || isBytes(source)) return [source as T];
  if (typeof source === "object" && source !== null && (Symbol.iterator in source || Symbol.asyncIterator in source)) {
    return source as Iterable<T>;
  }
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_BODY",
    `a stream takes an iterable of strings and bytes, not ${shown(source)}`,
  );
}

/** Whether iterating it once is all that can be done: generators, streams. */
function isOneWay(source: object): boolean {
  return "next" in source || "getReader" in source;
}

function pieceOf(chunk: unknown): Uint8Array {
  if (typeof chunk === "string") return encode(chunk);
  if (isBytes(chunk)) return copyOf(chunk);
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_BODY",
    `a stream gave ${shown(chunk)} where a string or bytes are needed`,
  );
}

/** The body of a platform response, passed on as it comes. */
export function bodyOf(response: Response): LiveBody {
  return { open: () => new IteratedPieces(() => readAll(response), (piece) => piece as Uint8Array) };
}

async function* readAll(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return yield new Uint8Array(await response.arrayBuffer());
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isOver = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!isOver) await reader.cancel();
  }
}
