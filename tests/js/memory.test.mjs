/** Nothing is kept that nobody can reach. In a process of its own, where the collector can be called. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const { NODE_TEST_CONTEXT: _, ...env } = process.env;

function run(code) {
  const flags = ["--no-warnings", "--expose-gc", "--input-type=module", "--eval", code];
  return execFileSync(process.execPath, flags, { cwd: new URL(".", import.meta.url), env, encoding: "utf8" }).trim();
}

test("a transport that was forgotten, not disposed, is collected", () => {
  const code = `
    import { MockTransport } from "mockwire";
    const collected = [];
    const registry = new FinalizationRegistry((name) => collected.push(name));
    for (let n = 0; n < 3; n += 1) {
      const transport = new MockTransport();
      registry.register(transport, n);
      transport.get("/a").matching((request) => request.path === "/a").reply(async () => ({ a: 1 }));
      await (await transport.fetch("https://api.test/a")).json();
      transport.requests("/a");
    }
    for (let turn = 0; turn < 20 && collected.length < 2; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    console.log(collected.length >= 2);`;
  assert.equal(run(code), "true");
});

test("neither requests nor transports leave anything behind", () => {
  const code = `
    import { MockTransport } from "mockwire";
    const { signal } = new AbortController();
    const cycle = async () => {
      const transport = new MockTransport();
      transport.post("/a/:id").matching(() => true).reply({ a: 1 });
      transport.get("/s").stream(["a", "b"]);
      await (await transport.fetch("https://api.test/a/1", { method: "POST", body: "x".repeat(1000), signal })).json();
      await (await transport.fetch("https://api.test/s", { signal })).text();
      transport.dispose();
    };
    const used = async () => {
      // The platform's own streams are collected only between turns of the event loop.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve)).then(() => gc({ execution: "async" }));
      return process.memoryUsage().heapUsed;
    };
    // As many before: the platform compiles on for some thousand cycles.
    for (let n = 0; n < 3000; n += 1) await cycle();
    const before = await used();
    for (let n = 0; n < 3000; n += 1) await cycle();
    console.log((await used() - before) / 3000);`;
  const bytes = Number(run(code));
  assert.ok(bytes < 200, `${bytes} bytes are left behind by each transport`);
});

test("streams that clients give up leave nothing behind, here or in the engine", () => {
  const code = `
    import { MockTransport, reply } from "mockwire";
    const transport = new MockTransport({ journal: { requests: 10 } });
    transport.get("/endless").reply(reply.script({ steps: ["x".repeat(100)], gap: 5, jitter: 0.5, repeat: Infinity }));
    transport.get("/held").reply(reply.script({ steps: ["a", { hold: "never" }], jitter: 0.5 }));
    const cycle = async () => {
      for (const path of ["/endless", "/held"]) {
        const controller = new AbortController();
        const response = await transport.fetch("https://api.test" + path, { signal: controller.signal });
        const reader = response.body.getReader();
        await reader.read();
        reader.read().catch(() => {});
        if (path === "/held") controller.abort(); else await reader.cancel();
      }
    };
    const used = async () => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve)).then(() => gc({ execution: "async" }));
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    for (let n = 0; n < 2000; n += 1) await cycle();
    const before = await used();
    for (let n = 0; n < 3000; n += 1) await cycle();
    console.log((await used() - before) / 3000, transport.pending().length);`;
  const [bytes, pending] = run(code).split(" ").map(Number);
  assert.ok(bytes < 300, `${bytes} bytes are left behind by each two streams`);
  assert.equal(pending, 0);
});

test("caches, queues and sessions keep what they are for, and nothing when they are forgotten", () => {
  const code = `
    import { MockTransport } from "mockwire";
    import { Cache } from "mockwire/cache";
    import { RequestQueue } from "mockwire/queue";
    import { Sessions } from "mockwire/sessions";
    const transport = new MockTransport();
    const { signal } = new AbortController();
    const cycle = async () => {
      const cache = new Cache(transport, { maxEntries: 2 });
      for (let n = 0; n < 5; n += 1) await cache.getOrFetch(String(n), () => ({ large: "x".repeat(1000), cache }), { signal });
      const queue = new RequestQueue(transport, { workers: 1 });
      await Promise.all([1, 2, 3].map((n) => queue.add(() => ({ n, queue }), { signal })));
      const sessions = new Sessions(transport);
      sessions.serve((turn) => turn.messages[0].content.text);
      const session = sessions.create({ user: "ada" });
      session.state.set("large", "x".repeat(1000));
      await Promise.all(["a", "b"].map((text) => session.send({ text }, { signal })));
    };
    const used = async () => {
      for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve)).then(() => gc({ execution: "async" }));
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    // As many before, and collected now and then: the memory of a module grows to what is in use at one time,
    // and stays so large.
    const cycles = async (count) => {
      for (let n = 0; n < count; n += 1) {
        await cycle();
        if (n % 100 === 0) await used();
      }
      return used();
    };
    const before = await cycles(2000);
    console.log((await cycles(2000) - before) / 2000);`;
  const bytes = Number(run(code));
  assert.ok(bytes < 200, `${bytes} bytes are left behind by each of them`);
});

test("a cache lets go of what it does not keep", () => {
  const code = `
    import { MockTransport } from "mockwire";
    import { Cache } from "mockwire/cache";
    const transport = new MockTransport({ timing: "manual" });
    const cache = new Cache(transport, { maxEntries: 5, ttl: 10 });
    const collected = new Set();
    const registry = new FinalizationRegistry((name) => collected.add(name));
    const value = (name) => (registry.register(value.last = {}, name), value.last);
    for (const name of ["replaced", "evicted", "deleted", "kept", "expired"]) cache.set(name, value(name));
    cache.set("replaced", 1).set("another", 1).delete("deleted");
    cache.get("evicted");
    await transport.advance(5);
    cache.set("kept", value("kept until the end"));
    await transport.advance(5);
    cache.size;
    value.last = undefined;
    for (let turn = 0; turn < 20 && collected.size < 5; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    console.log([...collected].sort().join(), cache.size);`;
  assert.equal(run(code), "deleted,evicted,expired,kept,replaced 1");
});

test("what models answer is given back in the second module, too", () => {
  const code = `
    import { MockTransport } from "mockwire";
    import { Answer, anthropic } from "mockwire/providers";
    const body = JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi ".repeat(3000) }] });
    const cycle = async () => {
      const transport = new MockTransport();
      anthropic.messages(transport).model("m").reply(Answer.text("x".repeat(2000)));
      await (await transport.fetch("https://api.test/v1/messages", { method: "POST", body })).text();
      transport.dispose();
    };
    const used = async () => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve)).then(() => gc());
      return process.memoryUsage().external;
    };
    const cycles = async (count) => {
      for (let n = 0; n < count; n += 1) {
        await cycle();
        if (n % 100 === 0) await used();
      }
      return used();
    };
    const before = await cycles(500);
    console.log((await cycles(2000) - before) / 2000);`;
  const bytes = Number(run(code));
  // The request alone has 9,000.
  assert.ok(bytes < 200, `${bytes} bytes are left behind by each transport`);
});
