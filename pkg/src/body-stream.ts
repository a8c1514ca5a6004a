/** Platform streams for bodies, with a count of what the client took. */

import { messageOf } from "./errors.js";
import type { Exchange } from "./exchange.js";
import type { LiveBody, StaticBody } from "./reply/body.js";

type ByteSource = Omit<UnderlyingByteSource, "type">;

/** The stream of a static body, and whether somebody has read from it or cancelled it. */
export interface StaticStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly isDisturbed: () => boolean;
}

/**
 * A stream of one chunk. The chunk waits in the queue, which has room for one byte more: so the
 * platform calls `pull` at the moment when the last byte is taken, and that is the end.
 */
export function staticStream(body: StaticBody, exchange: Exchange): StaticStream {
  const { byteLength } = body;
  if (byteLength === 0) return emptyStream(exchange);
  let controller!: ReadableByteStreamController;
  let touched = false;
  const source: ByteSource = {
    start(given) {
      controller = given;
      // A copy: the reader of a byte stream owns the memory it is given.
      controller.enqueue(body.bytes.slice());
    },
    pull() {
      touched = true;
      exchange.delivered = byteLength;
      exchange.finish("done");
      close(controller);
    },
    cancel() {
      touched = true;
      exchange.finish("cancelled");
    },
  };
  const stream = byteStream(source, 1);
  exchange.guard((reason) => controller.error(reason));
  const waiting = () => 1 - (controller.desiredSize ?? 1);
  return { stream, isDisturbed: () => touched || waiting() < byteLength };
}

/** No chunk ever passes, so only the platform can tell whether somebody has read. */
function emptyStream(exchange: Exchange): StaticStream {
  const response = new Response("");
  exchange.finish("done");
  return { stream: response.body!, isDisturbed: () => response.bodyUsed };
}

/** A stream that asks for a piece when its reader does, and never in advance. */
export function liveStream(body: LiveBody, exchange: Exchange): ReadableStream<Uint8Array> {
  let pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined;
  let controller!: ReadableByteStreamController;
  let ended = false;
  const leave = () => {
    ended = true;
    // Whatever the source does when it is told to stop, the client has its answer already.
    Promise.resolve(pieces?.return?.()).catch(() => {});
  };
  const source: ByteSource = {
    start(given) {
      controller = given;
    },
    async pull() {
      try {
        pieces ??= body.open();
        let step = await pieces.next();
        while (!ended && step.done !== true && step.value.byteLength === 0) step = await pieces.next();
        if (ended) return;
        if (step.done === true) {
          ended = true;
          exchange.finish("done");
          return close(controller);
        }
        exchange.delivered += step.value.byteLength;
        controller.enqueue(step.value as Uint8Array<ArrayBuffer>);
      } catch (thrown) {
        if (ended) return;
        ended = true;
        exchange.finish("failed", messageOf(thrown));
        controller.error(thrown);
      }
    },
    cancel() {
      leave();
      exchange.finish("cancelled");
    },
  };
  const stream = byteStream(source, 0);
  exchange.guard((reason) => {
    leave();
    controller.error(reason);
  });
  return stream;
}

let bytesSupported = true;

function byteStream(source: ByteSource, highWaterMark: number): ReadableStream<Uint8Array> {
  if (bytesSupported) {
    try {
      return new ReadableStream({ ...source, type: "bytes" }, { highWaterMark });
    } catch (error) {
      // Some platforms have no byte streams; every other error would come again below.
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      bytesSupported = false;
    }
  }
  const size = (chunk: Uint8Array) => chunk.byteLength;
  return new ReadableStream(source as unknown as UnderlyingDefaultSource<Uint8Array>, { highWaterMark, size });
}

function close(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader that brought its own buffer waits for it to come back.
  controller.byobRequest?.respond(0);
}
