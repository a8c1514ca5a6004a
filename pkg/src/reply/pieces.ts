/** Where the pieces of a body come from. */

import type { Piece, Pieces } from "./body.js";

/** Pieces that are at hand. */
export class ReadyPieces implements Pieces {
  readonly #pieces: readonly Uint8Array[];
  #next = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  next(): Piece {
    const piece = this.#pieces[this.#next++];
    // A copy: whoever takes a piece owns its memory. By constructor: `slice()` looks for a species first.
    return piece && new Uint8Array(piece);
  }

  leave(): void {
    this.#next = this.#pieces.length;
  }

  lengths(): readonly number[] {
    return this.#pieces.map(({ byteLength }) => byteLength);
  }
}

/** Pieces that an iterable gives. It is started when the first one is asked for. */
export class IteratedPieces<T> implements Pieces {
  readonly #start: () => Iterable<T> | AsyncIterable<T>;
  readonly #pieceOf: (item: T) => Uint8Array;
  #items: Iterator<T> | AsyncIterator<T> | undefined;
  #isOver = false;

  constructor(start: () => Iterable<T> | AsyncIterable<T>, pieceOf: (item: T) => Uint8Array) {
    this.#start = start;
    this.#pieceOf = pieceOf;
  }

  next(): Piece {
    if (this.#isOver) return undefined;
    this.#items ??= iteratorOf(this.#start());
    try {
      const step = this.#items.next();
      return isPromise(step) ? this.#later(step) : this.#take(step);
    } catch (thrown) {
      this.#isOver = true;
      throw thrown;
    }
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Whatever the source does when it is told to stop, the client has its answer already.
    void (async () => this.#items?.return?.())().catch(() => {});
  }

  async #later(step: Promise<IteratorResult<T>>): Promise<Uint8Array | undefined> {
    try {
      return await this.#take(await step);
    } catch (thrown) {
      this.#isOver = true;
      throw thrown;
    }
  }

  #take(step: IteratorResult<T>): Piece {
    if (step.done === true) {
      this.#isOver = true;
      return undefined;
    }
    const item: unknown = step.value;
    // As `for await` does it with an iterable of promises.
    return isPromise(item) ? item.then((value) => this.#pieceOf(value as T)) : this.#pieceOf(step.value);
  }
}

function iteratorOf<T>(source: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** By shape, not by class: it may come from another realm. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
