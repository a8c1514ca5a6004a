// What one process measures. Each scenario gets a job and answers an object of figures.
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { EVENTS, MESSAGE, REPLY, chunksOf } from "./fixtures.mjs";
import { collect, liveBytes, median, perCall } from "./measure.mjs";
import { watchCalls, watchMemory, watchingCost } from "./wasm.mjs";

const load = (peer) => import(`./peers/${peer}.mjs`);
const clearOf = (mock) => () => mock.clear();
const megabytes = (bytes) => bytes / 2 ** 20;

/** Each peer must give the right answer before it is timed, and record what it claims to record. */
async function checked(mock) {
  const { id } = JSON.parse(REPLY);
  for (let n = 0; n < 3; n++) assert.equal((await mock.post()).id, id);
  if (mock.recorded) assert.equal(mock.recorded(), 3, "every request is recorded");
  mock.clear();
  return mock;
}

/** Sequential POST and `response.json()`. */
export async function sequential({ peer, quick, handlers = 1 }) {
  const mock = await checked(await (await load(peer)).open({ handlers }));
  const [figures] = await perCall([{ op: mock.post, clear: clearOf(mock) }], quick);
  return figures;
}

/** The same with 1 and with 1000 handlers, taking turns in one process. */
export async function handlers({ peer, quick }) {
  const { open } = await load(peer);
  const mocks = [await checked(await open({ handlers: 1 })), await checked(await open({ handlers: 1000 }))];
  const [one, many] = await perCall(mocks.map((mock) => ({ op: mock.post, clear: clearOf(mock) })), quick);
  return { one: one.us, many: many.us };
}

const touches = {
  async headers(response) {
    assert.equal(response.headers.get("content-type"), "application/json");
    await response.json();
  },
  async body(response) {
    const reader = response.body.getReader();
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.byteLength;
    assert.equal(bytes, REPLY.length);
  },
  async clone(response) {
    const copy = response.clone();
    await copy.json();
    await response.json();
  },
};

/** The same, for callers who touch what a lazy response would rather not build. */
export async function touch({ peer, quick, part }) {
  const mock = await checked(await (await load(peer)).open());
  const op = async () => touches[part](await mock.respond());
  const [figures] = await perCall([{ op, clear: clearOf(mock) }], quick);
  return figures;
}

const LINE_FEED = 10;

/** Readers of server-sent events: each answers how many chunks and how many events there were. */
const readers = {
  /** Finds the ends of events in the bytes, as parsers of events do, and no more. */
  async bytes(body) {
    const reader = body.getReader();
    let [chunks, events, isOpen] = [0, 0, false];
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const bytes = part.value;
      chunks += 1;
      // A line's end that was the last byte of a chunk may be followed by an empty line in the next.
      let at = isOpen && bytes[0] === LINE_FEED ? 0 : -1;
      if (at === 0) events += 1;
      isOpen = false;
      while ((at = bytes.indexOf(LINE_FEED, at + 1)) >= 0) {
        if (bytes[at + 1] !== LINE_FEED) {
          isOpen = at === bytes.length - 1;
        } else {
          events += 1;
          at += 1;
        }
      }
    }
    return { chunks, events };
  },
  /** Iterates, decodes and splits, as clients do who parse nothing else. */
  async text(body) {
    const decoder = new TextDecoder();
    let [chunks, events, rest] = [0, 0, ""];
    for await (const bytes of body) {
      chunks += 1;
      const pieces = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
      rest = pieces.pop();
      events += pieces.length;
    }
    return { chunks, events };
  },
};

/** A reply of a thousand server-sent events. What arrives in other chunks than were sent does not count. */
export async function stream({ peer, quick, kind, read = "bytes" }) {
  const mock = await (await load(peer)).openStream(kind);
  const expected = { chunks: chunksOf(kind).length, events: EVENTS.length };
  const op = async () => {
    const { chunks, events } = await readers[read]((await mock.stream()).body);
    if (chunks !== expected.chunks || events !== expected.events) {
      throw new Error(`${events} events in ${chunks} chunks instead of ${expected.events} in ${expected.chunks}`);
    }
  };
  const [{ us, cpu_us }] = await perCall([{ op, clear: clearOf(mock) }], quick);
  return { us_per_event: us / EVENTS.length, cpu_us_per_event: cpu_us / EVENTS.length };
}

/** A message to a WebSocket server that sends it back, until it is there. */
export async function echo({ peer, quick }) {
  const mock = await (await load(peer)).openEcho();
  let arrived;
  mock.socket.addEventListener("message", ({ data }) => arrived(data));
  const op = () => {
    const answer = new Promise((resolve) => (arrived = resolve));
    mock.socket.send(MESSAGE);
    return answer;
  };
  assert.equal(await op(), MESSAGE);
  if (mock.recorded) assert.equal(mock.recorded(), 2, "both sides are recorded");
  const [figures] = await perCall([{ op, clear: clearOf(mock) }], quick);
  return figures;
}

/** Ten thousand requests at once. */
export async function burst({ peer }) {
  const mock = await (await load(peer)).open();
  for (let n = 0; n < 200; n++) await mock.post();
  mock.clear();
  collect();
  const before = process.memoryUsage().rss;
  const from = performance.now();
  const replies = await Promise.all(Array.from({ length: 10_000 }, () => mock.post()));
  const ms = performance.now() - from;
  const { id } = JSON.parse(REPLY);
  assert.ok(replies.every((reply) => reply.id === id), "every request is answered");
  const peak = process.resourceUsage().maxRSS * 1024;
  return { ms, growth_mb: megabytes(process.memoryUsage().rss - before), peak_mb: megabytes(peak) };
}

async function cycles(open, count) {
  for (let n = 0; n < count; n++) {
    const mock = await open();
    await mock.post();
    await mock.close();
  }
}

/** Create, ask once, dispose, a thousand times, the library cold. */
export async function cycle({ peer }) {
  const { open } = await load(peer);
  // Node loads its fetch when someone first says `Response`: some at import, some at first use.
  void globalThis.Response;
  const from = performance.now();
  await cycles(open, 1);
  const first_ms = performance.now() - from;
  await cycles(open, 999);
  return { ms: performance.now() - from, first_ms };
}

/** Bytes that each such cycle leaves behind, the first thousand not counted. */
export async function heap({ peer }) {
  // Nothing may depend on finalizers: code that loads from here on gets a registry that is deaf.
  globalThis.FinalizationRegistry = class {
    register() {}
    unregister() {}
  };
  const memory = watchMemory();
  const { open } = await load(peer);
  const count = 9000;
  await cycles(open, 1000);
  const before = await liveBytes(memory);
  await cycles(open, count);
  const after = await liveBytes(memory);
  return { bytes: (after - before) / count };
}

/** Bytes per registered handler, of ten thousand. */
export async function memory({ peer }) {
  const watched = watchMemory();
  const mock = await (await load(peer)).open();
  await mock.post();
  mock.clear();
  const before = await liveBytes(watched);
  const wasmBefore = watched.bytes();
  const from = performance.now();
  mock.register(10_000);
  const us = (performance.now() - from) / 10;
  const after = await liveBytes(watched);
  return { bytes: (after - before) / 10_000, wasm_bytes: (watched.bytes() - wasmBefore) / 10_000, register_us: us };
}

/** Calls into WebAssembly per exact-route request, the time inside, and the bytes passed in. */
export async function wasm({ peer, quick }) {
  const seen = watchCalls();
  const mock = await checked(await (await load(peer)).open({ handlers: 1000 }));
  const count = quick ? 5_000 : 15_000;
  for (let n = 0; n < count; n++) await mock.post();
  mock.clear();
  Object.assign(seen, { engine: 0, glue: 0, bytes: 0 });
  seen.names.clear();
  const spent = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    seen.ns = 0;
    await mock.post();
    spent[n] = seen.ns;
  }
  const { engine, glue, bytes, names } = seen;
  // Rounded: what happens once in hundreds of requests is not work per request.
  const each = (value) => Math.round((value / count) * 100) / 100;
  return {
    calls: each(engine),
    glue_calls: each(glue),
    bytes_in: each(bytes),
    // The median request's: a moment without the processor falls on few requests, and would weigh much in a mean.
    ns: Math.max(0, median(spent) - each(engine + glue) * watchingCost()),
    names: [...names].map(([name, calls]) => `${name}:${each(calls).toFixed(2)}`).join(" "),
  };
}

/** What importing the library costs, before anything of it is used. */
export async function importing({ peer }) {
  const modules = { "undici-fetch": "undici", mockwire: process.env.MOCKWIRE_BENCH_PACKAGE };
  const from = performance.now();
  await import(modules[peer] ?? peer);
  return { ms: performance.now() - from };
}
