/** Values that are kept for a while, and fetched once however many ask. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DisposedError, InvalidArgumentError, MockTransport } from "mockwire";
import { Cache } from "mockwire/cache";
import { deferred, failureOf, settled, withTransport } from "./support.mjs";

const reason = { my: "own reason" };

describe("values", () => {
  test("the same objects come back, whatever they are", withTransport((transport) => {
    const cache = new Cache(transport);
    const values = [{}, [], () => {}, Symbol("s"), new Map(), 1n, null, undefined, "", 0, NaN];
    for (const [index, value] of values.entries()) cache.set(`key ${index} é`, value);
    for (const [index, value] of values.entries()) assert.ok(Object.is(cache.get(`key ${index} é`), value));
    assert.equal(cache.get("another"), undefined);
    assert.equal(cache.has("key 7 é"), true);
    assert.equal(cache.size, values.length);
  }));

  test("set replaces, delete and clear forget", withTransport((transport) => {
    const cache = new Cache(transport);
    assert.equal(cache.set("a", 1).set("a", 2).get("a"), 2);
    assert.equal(cache.size, 1);
    assert.equal(cache.delete("a"), true);
    assert.equal(cache.delete("a"), false);
    cache.set("a", 3).set("b", 4).clear();
    assert.deepEqual([cache.size, cache.get("a"), cache.has("b")], [0, undefined, false]);
  }));

  test("what was used least recently makes room", withTransport((transport) => {
    const cache = new Cache(transport, { maxEntries: 2 });
    cache.set("a", 1).set("b", 2);
    cache.get("a");
    cache.has("b"); // is no use
    cache.set("c", 3);
    assert.deepEqual(["a", "b", "c"].map((key) => cache.has(key)), [true, false, true]);
    assert.deepEqual(cache.stats, { hits: 1, misses: 0, joined: 0, evicted: 1, expired: 0 });
  }));

  test("as much as they may weigh together", withTransport((transport) => {
    const cache = new Cache(transport, { maxWeight: 10, weigh: (value, key) => value.length + key.length - 0.5 });
    cache.set("a", "1234").set("b", "1234"); // 4.5 each, rounded up
    assert.deepEqual([cache.size, cache.weight], [2, 10]);
    cache.set("c", "1");
    assert.deepEqual([cache.size, cache.weight, cache.has("a")], [2, 7, false]);
    cache.set("d", "x".repeat(11)); // nothing makes room for what has none
    assert.deepEqual([cache.size, cache.weight, cache.has("d")], [2, 7, false]);
    cache.set("b", "x".repeat(11)); // and it replaces what was there
    assert.equal(cache.has("b"), false);
  }));

  test("in the transport's time, from when it was set", withTransport({ timing: "manual" }, async (transport) => {
    const cache = new Cache(transport, { ttl: 10.5 });
    cache.set("a", 1);
    await transport.advance(10);
    assert.equal(cache.get("a"), 1);
    await transport.advance(0.5);
    assert.deepEqual([cache.get("a"), cache.size, cache.stats.expired], [undefined, 0, 1]);
    cache.set("b", 1);
    await transport.advance(1e15);
    assert.equal(cache.has("b"), false);
  }));

  test("with instant timing, time that nobody waits for", withTransport(async (transport) => {
    const cache = new Cache(transport, { ttl: 60_000 });
    cache.set("a", 1);
    await transport.sleep(59_999);
    assert.equal(cache.get("a"), 1);
    await transport.sleep(1);
    assert.equal(cache.get("a"), undefined);
  }));

});

describe("one fetch for all who ask", () => {
  test("a hundred at once", withTransport(async (transport) => {
    transport.get("/user").reply(() => ({ name: "Ada" }));
    const cache = new Cache(transport);
    const fetch = () => transport.fetch("https://api.test/user").then((response) => response.json());
    const users = await Promise.all(Array.from({ length: 100 }, () => cache.getOrFetch("ada", fetch)));
    assert.deepEqual(users[0], { name: "Ada" });
    assert.ok(users.every((user) => user === users[0]));
    assert.equal(transport.count(), 1);
    assert.deepEqual(cache.stats, { hits: 0, misses: 1, joined: 99, evicted: 0, expired: 0 });
    assert.equal(await cache.getOrFetch("ada", () => assert.fail("it is there")), users[0]);
  }));

  test("of each key", withTransport(async (transport) => {
    const cache = new Cache(transport);
    const fetched = [];
    const ask = (key) => cache.getOrFetch(key, async () => (fetched.push(key), await transport.sleep(5), key));
    assert.deepEqual(await Promise.all(["a", "b", "a", "b"].map(ask)), ["a", "b", "a", "b"]);
    assert.deepEqual(fetched, ["a", "b"]);
  }));

  test("values need no promise, and may be undefined", withTransport(async (transport) => {
    const cache = new Cache(transport);
    assert.equal(await cache.getOrFetch("a", () => undefined), undefined);
    assert.equal(await cache.getOrFetch("a", () => 1), undefined);
    assert.deepEqual([cache.has("a"), cache.stats.hits], [true, 1]);
  }));

  test("who fetched gets the error, and the next one tries", withTransport(async (transport) => {
    const cache = new Cache(transport);
    let attempts = 0;
    const fetch = async () => {
      attempts += 1;
      await transport.sleep(1);
      if (attempts < 3) throw new Error(`attempt ${attempts}`);
      return attempts;
    };
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => cache.getOrFetch("a", fetch)));
    const shown = outcomes.map(({ value, reason: error }) => value ?? error.message);
    assert.deepEqual(shown, ["attempt 1", "attempt 2", 3, 3, 3]);
    await assert.rejects(cache.getOrFetch("b", () => { throw new Error("at once"); }), /at once/);
    assert.equal(await cache.getOrFetch("b", () => 1), 1);
  }));

  test("a fetch whose key is set, deleted or cleared meanwhile is not kept", withTransport(async (transport) => {
    const cache = new Cache(transport);
    for (const change of [() => cache.set("a", "newer"), () => cache.delete("a"), () => cache.clear()]) {
      cache.clear();
      const { promise, resolve } = deferred();
      const asked = cache.getOrFetch("a", () => promise);
      const joined = cache.getOrFetch("a", () => promise);
      change();
      const before = cache.get("a");
      resolve("older");
      assert.deepEqual([await asked, await joined], ["older", "older"]);
      assert.equal(cache.get("a"), before);
    }
  }));

  test("who gives up lets the next one fetch, and tells the fetch", withTransport(async (transport) => {
    const cache = new Cache(transport);
    const controller = new AbortController();
    let told;
    const first = cache.getOrFetch("a", (signal) => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return new Promise(() => {});
    }, { signal: controller.signal });
    const second = cache.getOrFetch("a", () => "second");
    const third = cache.getOrFetch("a", () => "third");
    controller.abort(reason);
    assert.equal(await failureOf(first), reason);
    assert.equal(told, reason);
    assert.deepEqual([await second, await third], ["second", "second"]);
  }));

  test("who waits and gives up leaves the fetch alone", withTransport(async (transport) => {
    const cache = new Cache(transport);
    const { promise, resolve } = deferred();
    const controller = new AbortController();
    const first = cache.getOrFetch("a", () => promise);
    const second = cache.getOrFetch("a", () => "another", { signal: controller.signal });
    controller.abort(reason);
    assert.equal(await failureOf(second), reason);
    assert.equal(await failureOf(cache.getOrFetch("b", () => assert.fail("is not asked"), { signal: controller.signal })), reason);
    resolve("it");
    assert.equal(await first, "it");
    assert.equal(cache.get("a"), "it");
  }));

  test("what weighs too much is given, and not kept", withTransport(async (transport) => {
    const cache = new Cache(transport, { maxWeight: 1, weigh: (text) => text.length });
    assert.deepEqual(await Promise.all([cache.getOrFetch("a", () => "long"), cache.getOrFetch("a", () => "other")]), ["long", "long"]);
    assert.equal(cache.size, 0);
  }));

  test("a weight that is none fails the fetch, and the next one tries", withTransport(async (transport) => {
    const cache = new Cache(transport, { maxWeight: 1, weigh: (value) => value });
    const outcomes = await Promise.allSettled([NaN, -1, "1", 1].map((value) => cache.getOrFetch("a", () => value)));
    assert.deepEqual(outcomes.map(({ value, reason: error }) => value ?? error.constructor), [
      InvalidArgumentError, InvalidArgumentError, InvalidArgumentError, 1,
    ]);
  }));
});

describe("the end of the transport", () => {
  test("ends every wait, and every later call", async () => {
    const transport = new MockTransport();
    const cache = new Cache(transport);
    let told;
    const fetch = (signal) => new Promise(() => signal.addEventListener("abort", () => (told = signal.reason)));
    const asked = [cache.getOrFetch("a", fetch), cache.getOrFetch("a", fetch)];
    transport.dispose();
    for (const promise of asked) assert.ok((await failureOf(promise)) instanceof DisposedError);
    assert.ok(told instanceof DisposedError);
    for (const call of [() => cache.get("a"), () => cache.set("a", 1), () => cache.size, () => new Cache(transport)]) {
      assert.throws(call, DisposedError);
    }
    assert.ok((await failureOf(cache.getOrFetch("a", fetch))) instanceof DisposedError);
    await settled();
  });

  test("is told by its signal, once", () => {
    const transport = new MockTransport();
    let told = 0;
    const { signal } = transport;
    assert.equal(signal, transport.signal);
    signal.addEventListener("abort", () => (told += 1));
    transport.reset();
    assert.equal(signal.aborted, false);
    transport.dispose();
    transport.dispose();
    assert.equal(told, 1);
    assert.ok(signal.reason instanceof DisposedError);
    const late = new MockTransport();
    late.dispose();
    assert.ok(late.signal.aborted && late.signal.reason instanceof DisposedError);
  });
});

test("mistakes are told at once", withTransport(async (transport) => {
  for (const args of [[], [null], [{}], [transport, null], [transport, { size: 1 }], [transport, { maxEntries: -1 }],
    [transport, { ttl: NaN }], [transport, { maxWeight: 1 }], [transport, { weigh: () => 1 }], [transport, { maxEntries: 2 ** 32 }]]) {
    assert.throws(() => new Cache(...args), InvalidArgumentError, JSON.stringify(args[1]));
  }
  const cache = new Cache(transport);
  assert.throws(() => cache.get(1), InvalidArgumentError);
  assert.throws(() => cache.set(Symbol("s"), 1), InvalidArgumentError);
  assert.ok((await failureOf(cache.getOrFetch("a"))) instanceof InvalidArgumentError);
  assert.ok((await failureOf(cache.getOrFetch("a", () => 1, { timeout: 1 }))) instanceof InvalidArgumentError);
}));
