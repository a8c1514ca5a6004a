/** Replies whose body comes in pieces. */

import { copyOf, encode, isBytes } from "../bytes.js";
import { HandlerError, InvalidReplyError, shown } from "../errors.js";
import type { LiveBody } from "./body.js";
import { checkedBodyless, type Head, headOf, type ReplyInit } from "./head.js";
import { type Answer, Reply } from "./reply.js";

/** A piece of a body. */
export type Chunk = string | ArrayBuffer | ArrayBufferView;

/** Pieces, at hand or to come. */
export type Chunks = Iterable<Chunk> | AsyncIterable<Chunk>;

class StreamReply extends Reply {
  readonly #head: Head;
  readonly #start: () => Chunks;

  constructor(head: Head, start: () => Chunks) {
    super();
    checkedBodyless(head.status);
    this.#head = head;
    this.#start = start;
  }

  override get status(): number {
    return this.#head.status;
  }

  override answer(): Answer {
    return { head: this.#head, body: { open: () => pieces(this.#start()) } };
  }
}

/**
 * A body in pieces: an array, a generator, any iterable or async iterable, or a function that makes a
 * new one for each request. A piece is taken when the client asks for it, and the iterable is told
 * (`return()`) when the client cancels. What it throws, the reader of the body gets.
 *
 * @example
 * transport.get("/events").reply(reply.stream(["data: 1\n\n", "data: 2\n\n"], { headers: { "content-type": "text/event-stream" } }))
 */
export function stream(chunks: Chunks | (() => Chunks), init?: ReplyInit): Reply {
  const head = headOf(init);
  if (typeof chunks === "function") return new StreamReply(head, () => checked(chunks()));
  const source = checked(chunks);
  let used = false;
  return new StreamReply(head, () => {
    if (used && isOneWay(source)) {
      throw new HandlerError(
        "a stream's generator is used up by the first request: give a function that makes a new one",
        undefined,
      );
    }
    used = true;
    return source;
  });
}

function checked(chunks: unknown): Chunks {
  // A string is an iterable of characters, which nobody means.
  if (typeof chunks === "string" || isBytes(chunks)) return [chunks as Chunk];
  if (typeof chunks === "object" && chunks !== null && (Symbol.iterator in chunks || Symbol.asyncIterator in chunks)) {
    return chunks as Chunks;
  }
  throw new InvalidReplyError(
    "MOCKWIRE_INVALID_BODY",
    `a stream takes an iterable of strings and bytes, not ${shown(chunks)}`,
  );
}

/** Whether iterating it once is all that can be done: generators, streams. */
function isOneWay(chunks: Chunks): boolean {
  return "next" in chunks || "getReader" in chunks;
}

async function* pieces(chunks: Chunks): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield pieceOf(chunk);
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
  return { open: () => readAll(response) };
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
