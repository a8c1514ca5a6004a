// Looks into the package's WebAssembly without its help: every instance passes through the
// `WebAssembly.Instance` constructor. Must be called before the package is imported.

import { median } from "./measure.mjs";

/** The real one. */
const { Instance } = WebAssembly;

/** Remembers the memories of all instances; `bytes()` is their size. */
export function watchMemory() {
  const memories = [];
  replaceInstance((instance) => {
    const { memory } = instance.exports;
    if (memory !== undefined) memories.push(memory);
    return instance;
  });
  return { bytes: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0) };
}

/** wasm-bindgen's own exports: they move data, and are not work the engine is asked for. */
const isGlue = (name) => name.startsWith("__");

/**
 * Counts the calls into all instances, the time spent inside, and the bytes asked for to pass
 * arguments. The watching itself is in the time: subtract `watchingCost()` per call.
 */
export function watchCalls() {
  const seen = nothingSeen();
  replaceInstance((instance) => {
    const exports = {};
    for (const [name, value] of Object.entries(instance.exports)) {
      exports[name] = typeof value === "function" ? watched(name, value, seen) : value;
    }
    return { exports };
  });
  return seen;
}

/** Nanoseconds that watching adds to each call: the median of those of a function that does nothing. */
export function watchingCost() {
  const seen = nothingSeen();
  const { f } = new Instance(new WebAssembly.Module(NOTHING)).exports;
  const call = watched("f", f, seen);
  const spent = Array.from({ length: 100_000 }, (_, n) => {
    seen.ns = 0;
    call(n, 1, 2);
    return seen.ns;
  });
  return median(spent.slice(spent.length / 2));
}

const nothingSeen = () => ({ engine: 0, glue: 0, ns: 0, bytes: 0, inside: 0, names: new Map() });

function watched(name, original, seen) {
  const glue = isGlue(name);
  const isMalloc = name.includes("malloc");
  const clock = process.hrtime.bigint;
  return (...args) => {
    if (glue) seen.glue += 1;
    else seen.engine += 1;
    if (isMalloc) seen.bytes += args[0];
    seen.names.set(name, (seen.names.get(name) ?? 0) + 1);
    // A call made while another one runs is already in that one's time.
    if (seen.inside > 0) return original(...args);
    seen.inside += 1;
    const from = clock();
    try {
      return original(...args);
    } finally {
      seen.ns += Number(clock() - from);
      seen.inside -= 1;
    }
  };
}

/** `(module (func (export "f") (param i32 i32 i32) (result i32) local.get 0))` */
const NOTHING = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x01, 0x60, 0x03, 0x7f, 0x7f, 0x7f, 0x01, 0x7f],
  ...[0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x20, 0x00, 0x0b],
);

function replaceInstance(change) {
  WebAssembly.Instance = function replaced(module, imports) {
    return change(new Instance(module, imports));
  };
  WebAssembly.Instance.prototype = Instance.prototype;
}
