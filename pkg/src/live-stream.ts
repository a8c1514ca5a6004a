/**
 * Platform streams for bodies that come in pieces.
 *
 * The stream is the platform's, and does everything that the platform's streams do. But most of what a
 * piece costs is the way through its queue, which a piece that is there when it is asked for does not
 * need: the reader that `getReader()` gives takes such a piece directly. It is the platform's reader as
 * well: it holds the lock, and leaves to the platform whatever has to be waited for.
 */

import { byteStream, close } from "./body-stream.js";
import type { Exchange } from "./exchange.js";
import type { LiveBody, Piece, Pieces } from "./reply/body.js";
import { isPromise } from "./reply/pieces.js";

/** A stream that asks for a piece when its reader does, and never in advance. */
export function liveStream(body: LiveBody, exchange: Exchange): ReadableStream<Uint8Array> {
  const source = new Source(body.open(exchange), exchange);
  LiveStream ??= liveStreamClass();
  const Stream = LiveStream;
  const stream = byteStream(
    {
      start: (controller) => source.start(controller),
      pull: () => source.pull(),
      cancel: () => source.cancel(),
    },
    0,
    (given, strategy) => new Stream(source, given, strategy),
  );
  exchange.guard((reason) => source.fail(reason));
  return stream;
}

/** Where a stream and its readers take pieces from. */
class Source {
  readonly #pieces: Pieces;
  readonly #exchange: Exchange;
  /** Whether its pieces have times of their own, so that each is noted. */
  readonly #isTimed: boolean;
  #controller!: ReadableByteStreamController;
  #isOpen = true;
  /** A piece that has been asked for. */
  #arriving: Promise<Uint8Array | undefined> | undefined;

  constructor(pieces: Pieces, exchange: Exchange) {
    this.#pieces = pieces;
    this.#exchange = exchange;
    this.#isTimed = pieces.lengths === undefined;
    if (!this.#isTimed) exchange.hasReady(pieces);
  }

  start(controller: ReadableByteStreamController): void {
    this.#controller = controller;
  }

  /** The platform's reader wants a piece. */
  pull(): Promise<void> | undefined {
    try {
      const piece = this.#arriving ?? this.#next();
      if (!isPromise(piece)) {
        this.#enqueue(piece);
        return undefined;
      }
      this.#arriving = piece;
      return piece.then(
        (arrived) => {
          this.#arriving = undefined;
          this.#enqueue(arrived);
        },
        (thrown: unknown) => this.#break(thrown),
      );
    } catch (thrown) {
      this.#break(thrown);
      return undefined;
    }
  }

  /** Our reader wants a piece: one that is there, or none. */
  take(): Uint8Array | undefined {
    if (!this.#isOpen || this.#arriving !== undefined) return undefined;
    try {
      const piece = this.#next();
      if (isPromise(piece)) {
        this.#arriving = piece;
      } else if (piece === undefined) {
        this.#end();
      } else {
        this.#took(piece.byteLength);
        return piece;
      }
    } catch (thrown) {
      this.#break(thrown);
    }
    return undefined;
  }

  cancel(): void {
    this.#leave();
    this.#exchange.finish("cancelled");
  }

  /** The client has given up, or the transport has. */
  fail(reason: unknown): void {
    this.#leave();
    this.#controller.error(reason);
  }

  /** The next piece that has any bytes. */
  #next(): Piece {
    let piece = this.#pieces.next();
    while (piece !== undefined && !isPromise(piece) && piece.byteLength === 0) piece = this.#pieces.next();
    return isPromise(piece) ? piece.then((arrived) => (arrived?.byteLength === 0 ? this.#next() : arrived)) : piece;
  }

  #enqueue(piece: Uint8Array | undefined): void {
    if (!this.#isOpen) return;
    if (piece === undefined) return this.#end();
    this.#took(piece.byteLength);
    this.#controller.enqueue(piece as Uint8Array<ArrayBuffer>);
  }

  #took(bytes: number): void {
    if (this.#isTimed) this.#exchange.takeFrame(bytes);
    else this.#exchange.take(bytes);
  }

  #end(): void {
    this.#leave();
    this.#exchange.finish("done");
    close(this.#controller);
  }

  #break(thrown: unknown): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.#exchange.fail(thrown);
    this.#controller.error(thrown);
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#pieces.leave();
  }
}

type LiveStreamClass = new (
  source: Source,
  given: UnderlyingDefaultSource<Uint8Array>,
  strategy: QueuingStrategy<Uint8Array>,
) => ReadableStream<Uint8Array>;

let LiveStream: LiveStreamClass | undefined;

/** What a reader has at once, if anything. */
type TakeReady = () => ReadableStreamReadValueResult<Uint8Array> | undefined;

/** Made when the first one is needed: to import this package touches nothing of the platform. */
function liveStreamClass(): LiveStreamClass {
  let takeReady!: (reader: LiveReader) => ReturnType<TakeReady>;

  class LiveReader extends ReadableStreamDefaultReader<Uint8Array> {
    static {
      takeReady = (reader) => reader.#takeReady();
    }

    /** `undefined` when it is not ours to take from. */
    #source: Source | undefined;
    /** How many pieces the platform is asked for. */
    #waiting = 0;
    #hasRead = false;

    constructor(stream: ReadableStream<Uint8Array>, source: Source) {
      super(stream);
      this.#source = source;
    }

    override read(): Promise<ReadableStreamReadResult<Uint8Array>> {
      const ready = this.#takeReady();
      if (ready !== undefined) return Promise.resolve(ready);
      this.#hasRead = true;
      this.#waiting += 1;
      const reading = super.read();
      const isHere = () => void (this.#waiting -= 1);
      reading.then(isHere, isHere);
      return reading;
    }

    override releaseLock(): void {
      super.releaseLock();
      this.#source = undefined;
    }

    #takeReady(): ReturnType<TakeReady> {
      // The first piece goes the platform's way, so that it knows that the stream has been read from.
      if (!this.#hasRead || this.#waiting > 0) return undefined;
      const value = this.#source?.take();
      return value && { value, done: false };
    }
  }

  class LiveStream extends ReadableStream<Uint8Array> {
    readonly #source: Source;

    constructor(
      source: Source,
      given: UnderlyingDefaultSource<Uint8Array>,
      strategy: QueuingStrategy<Uint8Array>,
    ) {
      super(given, strategy);
      this.#source = source;
    }

    override getReader(options?: any): any {
      return options == null ? new LiveReader(this, this.#source) : super.getReader(options);
    }
  }

  // Only where the platform's streams can be iterated, ours can be.
  const { prototype } = LiveStream;
  if (Symbol.asyncIterator in prototype) {
    const values = function (this: ReadableStream<Uint8Array>, options?: ReadableStreamIteratorOptions) {
      const reader: LiveReader = prototype.getReader.call(this);
      return iterator(reader, () => takeReady(reader), options?.preventCancel === true);
    };
    const hidden = { value: values, writable: true, configurable: true };
    Object.defineProperties(prototype, { values: hidden, [Symbol.asyncIterator]: hidden });
  }
  return LiveStream;
}

/** What the platform's async iterators inherit from. */
let AsyncIteratorPrototype: object | undefined;

/** As the platform iterates a stream, but with our reader. */
function iterator(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  takeReady: TakeReady,
  preventCancel: boolean,
): AsyncIterator<Uint8Array | undefined> {
  let isOver = false;
  /** The calls that have not been answered, and the last of them. */
  let open = 0;
  let last: Promise<unknown> = Promise.resolve();
  const leave = () => {
    isOver = true;
    reader.releaseLock();
  };
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const answer = open === 0 ? step() : last.then(step, step);
    const answered = () => void (open -= 1);
    open += 1;
    answer.then(answered, answered);
    last = answer;
    return answer;
  };
  const next = async () => {
    if (isOver) return { value: undefined, done: true as const };
    try {
      const result = await reader.read();
      if (result.done) leave();
      return result as IteratorResult<Uint8Array, undefined>;
    } catch (error) {
      leave();
      throw error;
    }
  };
  const end = async (value: unknown) => {
    if (!isOver) {
      const cancelled = preventCancel ? undefined : reader.cancel(value);
      leave();
      await cancelled;
    }
    return { value: value as undefined, done: true as const };
  };
  AsyncIteratorPrototype ??= Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype) as object;
  return Object.assign(Object.create(AsyncIteratorPrototype) as object, {
    next: () => {
      const ready = open === 0 && !isOver ? takeReady() : undefined;
      return ready === undefined ? inTurn(next) : Promise.resolve(ready);
    },
    return: (value?: unknown) => inTurn(() => end(value)),
  });
}
