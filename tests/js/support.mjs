/** What the suites share. */

import { MockTransport } from "mockwire";

/** Runs a test with a transport of its own, disposed at the end. */
export function withTransport(options, body) {
  if (typeof options === "function") return withTransport({}, options);
  return async () => {
    const transport = new MockTransport(options);
    try {
      await body(transport);
    } finally {
      transport.dispose();
    }
  };
}

/** What a promise, or a function, fails with; an error when it does not. */
export async function failureOf(attempt) {
  try {
    await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    return error;
  }
  throw new Error("this should have failed");
}

/** A value or an error, as something that can be compared. */
export async function outcomeOf(attempt) {
  try {
    return { value: await attempt() };
  } catch (error) {
    return { error: error.constructor.name };
  }
}

/** A turn of the event loop: everything that needs no timer and no I/O has happened. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** All chunks of a stream, as text. */
export async function chunksOf(stream) {
  const decoder = new TextDecoder();
  const chunks = [];
  for await (const chunk of stream) chunks.push(decoder.decode(chunk));
  return chunks;
}
