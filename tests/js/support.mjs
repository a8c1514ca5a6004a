/** What the suites share. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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

/** Everything that an iterable gives. */
export async function allOf(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

/** The next event of this name. */
export function eventOf(target, type) {
  return new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
}

/** A client's socket that is open. */
export async function connected(transport, ...args) {
  const socket = new transport.WebSocket(...args);
  await eventOf(socket, "open");
  return socket;
}

/** Everything that a socket tells, as texts in a list that grows. */
export function historyOf(socket) {
  const history = [];
  for (const type of ["open", "message", "error", "close"]) {
    socket.addEventListener(type, ({ data, code, reason, wasClean }) => {
      if (type === "message") history.push(`message ${data}`);
      else if (type === "close") history.push(`close ${code} ${reason}${reason && " "}${wasClean ? "clean" : "unclean"}`);
      else history.push(type);
    });
  }
  return history;
}

/** A promise, and what settles it. */
export function deferred() {
  let resolve, reject;
  const promise = new Promise((one, other) => ([resolve, reject] = [one, other]));
  return { promise, resolve, reject };
}

/** Numbers from 0 to 1, the same for the same seed (a multiply-with-carry of two halves). */
export function random(seed) {
  let [high, low] = [seed + 1, 362_436_069];
  return () => {
    high = (36_969 * (high & 65_535) + (high >>> 16)) >>> 0;
    low = (18_000 * (low & 65_535) + (low >>> 16)) >>> 0;
    return (((high << 16) + low) >>> 0) / 2 ** 32;
  };
}

/**
 * The package with one piece of its code replaced, as a module: for controls, which have to notice. Gives what
 * `use` gives.
 */
export async function withBroken(right, wrong, use) {
  const code = readFileSync(new URL("./node_modules/mockwire/dist/index.js", import.meta.url), "utf8");
  assert.equal(code.split(right).length, 2, "this is in the package, once");
  const directory = mkdtempSync(join(import.meta.dirname, "wrong-"));
  try {
    const file = join(directory, "index.mjs");
    writeFileSync(file, code.replace(right, wrong));
    return await use(await import(pathToFileURL(file)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
