// Looks into the package's WebAssembly without its help: every instance passes through the
// `WebAssembly.Instance` constructor. Must be called before the package is imported.

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
 * arguments. The clock's own cost is in the time: subtract `clockCost()` per call.
 */
export function watchCalls() {
  const seen = { engine: 0, glue: 0, ns: 0, bytes: 0, names: new Map() };
  const clock = process.hrtime.bigint;
  let inside = 0;
  replaceInstance((instance) => {
    const exports = {};
    for (const [name, value] of Object.entries(instance.exports)) {
      exports[name] = typeof value === "function" ? counted(name, value) : value;
    }
    return { exports };
  });

  function counted(name, original) {
    const glue = isGlue(name);
    const isMalloc = name.includes("malloc");
    return (...args) => {
      if (glue) seen.glue += 1;
      else seen.engine += 1;
      if (isMalloc) seen.bytes += args[0];
      seen.names.set(name, (seen.names.get(name) ?? 0) + 1);
      // A call made while another one runs is already in that one's time.
      if (inside > 0) return original(...args);
      inside += 1;
      const from = clock();
      try {
        return original(...args);
      } finally {
        seen.ns += Number(clock() - from);
        inside -= 1;
      }
    };
  }
  return seen;
}

/** Nanoseconds that the clock adds to each call: the same wrapper around nothing. */
export function clockCost() {
  const clock = process.hrtime.bigint;
  const nothing = () => {};
  let total = 0;
  const rounds = 200_000;
  for (let n = 0; n < 2 * rounds; n++) {
    const from = clock();
    nothing();
    const spent = Number(clock() - from);
    if (n >= rounds) total += spent;
  }
  return total / rounds;
}

function replaceInstance(change) {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function replaced(module, imports) {
    return change(new Instance(module, imports));
  };
  WebAssembly.Instance.prototype = Instance.prototype;
}
