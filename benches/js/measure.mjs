// Timing inside one process: warm up, then slices whose median is this process's figure.
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** How long each part may take; quick runs are for seeing that everything works. */
export const budget = (quick) =>
  quick ? { warm: 250, slice: 40, slices: 3 } : { warm: 600, slice: 100, slices: 5 };

/** Microseconds of processor time, of all threads. */
function cpuSince(from) {
  const { user, system } = process.cpuUsage(from);
  return user + system;
}

async function run(op, count) {
  for (let n = 0; n < count; n++) await op();
}

/**
 * Warms `op` up and answers how many calls fill one slice. It takes as much processor time as time: where
 * the machine has other work, time passes while the compiler waits for its turn.
 */
async function warmUp(op, clear, { warm, slice }) {
  const until = performance.now() + warm;
  const cpuFrom = process.cpuUsage();
  const isCold = () => performance.now() < until || cpuSince(cpuFrom) < warm * 1e3;
  let each;
  do {
    const from = performance.now();
    await run(op, 20);
    each = (performance.now() - from) / 20;
    clear();
  } while (isCold());
  return Math.min(10_000, Math.max(20, Math.round(slice / each)));
}

/**
 * Microseconds per call, and of processor time per call with the collector's threads, of each of
 * `ops` (`{ op, clear }`), which take turns slice by slice.
 */
export async function perCall(ops, quick) {
  const plan = budget(quick);
  const lanes = [];
  for (const { op, clear } of ops) {
    lanes.push({ op, clear, count: await warmUp(op, clear, plan), us: [], cpu: [] });
  }
  for (let slice = 0; slice < plan.slices; slice++) {
    // The other way round every second time: nobody always runs after the same one.
    for (const lane of slice % 2 === 0 ? lanes : lanes.toReversed()) {
      collect();
      const cpu = process.cpuUsage();
      const from = performance.now();
      await run(lane.op, lane.count);
      const elapsed = performance.now() - from;
      lane.cpu.push(cpuSince(cpu) / lane.count);
      lane.us.push((elapsed * 1e3) / lane.count);
      lane.clear();
    }
  }
  return lanes.map(({ us, cpu }) => ({ us: median(us), cpu_us: median(cpu) }));
}

export function collect() {
  globalThis.gc?.();
}

/**
 * Bytes alive after a full collection: JavaScript heap and external memory. V8 counts the memories of
 * WebAssembly as external; a growth that it did not count would be an error in the figures.
 */
export async function liveBytes(wasm) {
  for (let pass = 0; pass < 3; pass++) {
    await turn();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  if (external < wasm.bytes()) throw new Error("WebAssembly memory is not part of `external` here");
  return heapUsed + external;
}
