/** Bodies of replies: one that is known as a whole, and one that comes in pieces. */

import { decode, encode } from "../bytes.js";
import type { EncodedScript } from "../engine.js";
import type { Exchange } from "../exchange.js";

/**
 * A body that is known as a whole: as text, as bytes, or, once somebody asked for the other, as both.
 * All responses of a reply share it, so it is never given out to be changed.
 */
export class StaticBody {
  #text: string | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #length: number | undefined;

  constructor(content: string | Uint8Array<ArrayBuffer>) {
    // What does not survive the way through UTF-8 (a byte order mark, lone surrogates) goes it now.
    if (typeof content !== "string") this.#bytes = content;
    else if (content.charCodeAt(0) === 0xfeff || /[\ud800-\udfff]/.test(content)) this.#bytes = encode(content);
    else this.#text = content;
  }

  /** What `Response.text()` gives. */
  get text(): string {
    return (this.#text ??= decode(this.#bytes!));
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return (this.#bytes ??= encode(this.#text!));
  }

  get byteLength(): number {
    return (this.#length ??= this.#bytes?.byteLength ?? utf8Length(this.#text!));
  }
}

/** A body that comes in pieces. */
export interface LiveBody {
  /** Begins it, when the response is there. */
  open(exchange: Exchange): Pieces;
  /** The same as a script; of bodies that are known beforehand. */
  script?(): EncodedScript;
}

/** A piece, the end, or a promise of one of them. */
export type Piece = Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** The pieces of one body, made when they are asked for, one at a time. */
export interface Pieces {
  /** The next piece, whose memory is the client's from then on. What this throws, the client gets. */
  next(): Piece;
  /** Nobody wants any more. */
  leave(): void;
  /** How long they are; of pieces that are all there from the beginning, and have no times of their own. */
  lengths?(): readonly number[];
}

function utf8Length(text: string): number {
  // Nearly always ASCII, and then the length is the length.
  return /^[\0-\x7f]*$/.test(text) ? text.length : encode(text).byteLength;
}
