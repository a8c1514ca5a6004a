/** The real transport, and what is noted of its responses on their way to the client. */

import { queueTask } from "../../tasks.js";

/** What is told of one exchange while it is being recorded. */
export interface Track {
  head(response: Response): void;
  data(piece: Uint8Array): void;
  end(how: "clean" | "cut" | "failed"): void;
}

/** The platform's `fetch`, also while a transport is installed in its place. */
export function platformFetch(request: Request): Promise<Response> {
  const { [Symbol.for("mockwire.installed")]: installed } = globalThis as unknown as Record<
    symbol,
    { readonly originals: ReadonlyMap<string, PropertyDescriptor | undefined> } | undefined
  >;
  const original = installed?.originals.get("fetch")?.value as typeof fetch | undefined;
  return (original ?? globalThis.fetch)(request);
}

/** What a real transport answers, of which a recording is made on its way to the client. */
export async function recorded(response: Promise<Response>, track: Track, signal: AbortSignal): Promise<Response> {
  let real: Response;
  try {
    real = await response;
  } catch (error) {
    track.end("failed");
    throw error;
  }
  // `Response.error()` is a failure.
  if (real.type === "error") {
    track.end("failed");
    return real;
  }
  // The client has gone, which the real transport did not notice: nobody reads this.
  if (signal.aborted) {
    track.end("cut");
    await real.body?.cancel(signal.reason);
    return real;
  }
  track.head(real);
  if (real.body === null || real.bodyUsed) {
    track.end("clean");
    return real;
  }
  const { status, statusText, headers, url, redirected } = real;
  const passed = new Response(tee(real.body, track), { status, statusText, headers });
  // The constructor takes neither.
  return Object.defineProperties(passed, { url: { value: url }, redirected: { value: redirected } });
}

/** The same body, piece by piece: none is asked for before the client does, and none is kept. */
function tee(body: ReadableStream<Uint8Array>, track: Track): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            track.end("clean");
            controller.close();
          } else {
            track.data(value);
            controller.enqueue(value);
          }
        } catch (error) {
          track.end("failed");
          controller.error(error);
        }
      },
      async cancel(reason) {
        // A client that has read what it wants need not ask for the end: then that is what comes next.
        const isOver = await Promise.race([reader.read().then(({ done }) => done, () => false), nextTask()]);
        track.end(isOver ? "clean" : "cut");
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function nextTask(): Promise<false> {
  return new Promise((resolve) => queueTask(() => resolve(false)));
}
