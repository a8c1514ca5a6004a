/**
 * Streams without an end: they are made as they are asked for, and a hundred thousand frames later nothing
 * has grown, neither the engine's memory nor JavaScript's. Measured in a process of its own, where the
 * collector can be called; the controls show that the measurement sees what grows.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { reply } from "mockwire";
import { settled, withTransport } from "./support.mjs";

const FRAMES = 100_000;
/** After so many, the platform has compiled what it compiles. */
const WARM = 20_000;
/** What the platform may have compiled late: five bytes for each frame, and anything kept takes more. */
const SLACK = 5 * FRAMES;

const { NODE_TEST_CONTEXT: _, ...env } = process.env;

/** How many bytes more there are after all frames than after the warm-up: `wasm`, and `js`. */
function growth(setup, each = "") {
  const code = `
    // The engine's memory is its own: it is seen where the module is instantiated.
    let memory;
    const { Instance } = WebAssembly;
    WebAssembly.Instance = class extends Instance {
      constructor(...args) {
        super(...args);
        memory = this.exports.memory;
      }
    };
    const { MockTransport, reply } = await import("mockwire");
    const transport = new MockTransport();
    // Has the engine made now, whatever the test needs it for.
    void transport.epoch;
    const kept = [];
    ${setup}
    const measured = async () => {
      // The platform's own streams are collected only between turns of the event loop.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve)).then(() => gc({ execution: "async" }));
      const { heapUsed, external } = process.memoryUsage();
      return { wasm: memory.buffer.byteLength, js: heapUsed + external - memory.buffer.byteLength };
    };
    const { body } = await transport.fetch("https://api.test/a");
    let frames = 0;
    let before;
    for await (const frame of body) {
      ${each}
      frames += 1;
      if (frames === ${WARM}) before = await measured();
      if (frames === ${FRAMES + WARM}) break;
    }
    const after = await measured();
    console.log(JSON.stringify({ wasm: after.wasm - before.wasm, js: after.js - before.js, first: before.wasm, outcome: transport.lastRequest().outcome, pending: transport.pending().length, kept: kept.length }));`;
  const flags = ["--no-warnings", "--expose-gc", "--input-type=module", "--eval", code];
  return JSON.parse(execFileSync(process.execPath, flags, { cwd: import.meta.dirname, env, encoding: "utf8" }));
}

const FRAME = "x".repeat(100);

describe("a hundred thousand frames later, nothing has grown", () => {
  for (const [what, made] of Object.entries({
    "a script of frames alone": `reply.script({ steps: ["${FRAME}"], repeat: "forever" })`,
    "a script that takes its time": `reply.script({ steps: ["${FRAME}", { wait: 5 }], firstByte: 10, repeat: "forever" })`,
    "a script that is made for each client": `reply.script({ steps: ["${FRAME}"], gap: 5, jitter: 0.5, chunking: { random: { min: 1, max: 200 } }, repeat: Infinity })`,
    "events": `reply.events([{ event: "delta", data: { text: "${FRAME}" } }], { gap: 1, repeat: Infinity })`,
    "a stream": `reply.stream(["${FRAME}"], { repeat: Infinity })`,
    "a generator": `reply.stream(function* () { for (;;) yield "${FRAME}"; })`,
    "an async generator": `reply.stream(async function* () { for (;;) yield "${FRAME}"; })`,
    "an async generator that sleeps": `reply.stream(async function* () { for (;;) { await transport.sleep(5); yield "${FRAME}"; } })`,
    "events of an async generator": `reply.events(async function* () { for (;;) yield { data: "${FRAME}" }; })`,
    "lines of an async generator": `reply.ndjson(async function* () { for (;;) yield { text: "${FRAME}" }; })`,
  })) {
    test(what, () => {
      const { wasm, js, first, outcome, pending } = growth(`transport.get("/a").reply(${made});`);
      assert.ok(first >= 65_536, "this is the engine's memory");
      assert.equal(wasm, 0, "the engine's memory");
      assert.ok(js < SLACK, `${js} bytes more of JavaScript's`);
      assert.deepEqual([outcome, pending], ["cancelled", 0]);
    });
  }

  test("the control: who keeps the frames is seen", () => {
    const { js } = growth(`transport.get("/a").reply(reply.script({ steps: ["${FRAME}"], repeat: "forever" }));`, "kept.push(frame);");
    assert.ok(js > FRAMES * FRAME.length, `${js} bytes`);
  });

  test("the control: who keeps a number of each frame is seen", () => {
    const { js } = growth(`transport.get("/a").reply(reply.stream(async function* () { for (;;) yield "${FRAME}"; }));`, "kept.push(frame[0]);");
    assert.ok(js > SLACK, `${js} bytes`);
  });

  test("the control: what the engine keeps is seen", () => {
    const rule = `transport.get("/r/" + frames).header("x-a", "${FRAME}").reply(200);`;
    const { wasm } = growth(`transport.get("/a").reply(reply.script({ steps: ["${FRAME}"], repeat: "forever" }));`, `if (frames % 10 === 0) ${rule}`);
    assert.ok(wasm > 1_000_000, `${wasm} bytes`);
  });
});

describe("nothing is made that is not asked for", () => {
  const counting = (transport, made) => {
    const count = { made: 0 };
    transport.get("/a").reply(made(async function* () {
      for (;;) yield `${(count.made += 1)}`;
    }));
    return count;
  };
  const KINDS = { stream: (source) => reply.stream(source), events: (source) => reply.events(source), ndjson: (source) => reply.ndjson(source) };

  for (const [kind, made] of Object.entries(KINDS)) {
    test(`reply.${kind}(): one frame for each read, and none before the first`, withTransport(async (transport) => {
      const count = counting(transport, made);
      const { body } = await transport.fetch("https://api.test/a");
      await settled();
      assert.equal(count.made, 0);
      const reader = body.getReader();
      for (let reads = 1; reads <= 1000; reads += 1) {
        await reader.read();
        if (reads % 100 === 0) await settled();
        assert.equal(count.made, reads);
      }
      await reader.cancel();
      assert.deepEqual([transport.lastRequest().outcome, transport.pending()], ["cancelled", []]);
    }));
  }

  test("pipes and tees read ahead by as much as the platform says, however slow their readers are", withTransport(async (transport) => {
    const count = counting(transport, KINDS.stream);
    const through = async (path) => {
      count.made = 0;
      const reader = path((await transport.fetch("https://api.test/a")).body).getReader();
      for (let reads = 0; reads < 10; reads += 1) await reader.read().then(settled);
      const { made } = count;
      await reader.cancel();
      return made;
    };
    assert.equal(await through((body) => body), 10);
    const piped = await through((body) => body.pipeThrough(new TransformStream()));
    assert.ok(piped >= 10 && piped <= 13, `${piped}`);
    const teed = await through((body) => {
      const [one, other] = body.tee();
      void other.cancel();
      return one;
    });
    assert.ok(teed >= 10 && teed <= 13, `${teed}`);
  }));

  test("a clock that goes on makes no frame: a late reader gets what is due, one at a time", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["x"], gap: 1, repeat: "forever" }));
    const reader = (await transport.fetch("https://api.test/a")).body.getReader();
    await transport.advance(1_000_000_000);
    for (let reads = 0; reads < 100; reads += 1) assert.equal((await reader.read()).value.length, 1);
    assert.equal(transport.lastRequest().delivered, 100);
    await reader.cancel();
  }));
});
