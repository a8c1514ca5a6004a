/** Platform streams for bodies, with a count of what the client took. */

import type { Exchange } from "./exchange.js";
import type { StaticBody } from "./reply/body.js";

export type ByteSource = Omit<UnderlyingByteSource, "type">;

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
      exchange.taken = body;
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
  const { loss } = exchange;
  if (loss !== undefined) controller.error(loss);
  const waiting = () => 1 - (controller.desiredSize ?? 1);
  return { stream, isDisturbed: () => touched || waiting() < byteLength };
}

/** No chunk ever passes, so only the platform can tell whether somebody has read. */
function emptyStream(exchange: Exchange): StaticStream {
  const response = new Response("");
  exchange.finish("done");
  return { stream: response.body!, isDisturbed: () => response.bodyUsed };
}

let bytesSupported = true;

/** What the constructor of a stream takes: of bytes, where the platform knows that. */
export type Construct = (
  source: UnderlyingDefaultSource<Uint8Array>,
  strategy: QueuingStrategy<Uint8Array>,
) => ReadableStream<Uint8Array>;

export function byteStream(
  source: ByteSource,
  highWaterMark: number,
  construct: Construct = (source, strategy) => new ReadableStream(source, strategy),
): ReadableStream<Uint8Array> {
  const given = source as UnderlyingDefaultSource<Uint8Array>;
  if (bytesSupported) {
    try {
      return construct({ ...given, type: "bytes" } as never, { highWaterMark });
    } catch (error) {
      // Some platforms have no byte streams; every other error would come again below.
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      bytesSupported = false;
    }
  }
  return construct(given, { highWaterMark, size: (chunk) => chunk.byteLength });
}

export function close(controller: ReadableByteStreamController): void {
  controller.close();
  // A reader that brought its own buffer waits for it to come back.
  controller.byobRequest?.respond(0);
}
