/** A caller that gives up gets its own reason, at any moment, and the journal knows. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StaleHandleError } from "mockwire";
import { failureOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/a";
const reason = { my: "own reason" };

test("before the request: it is never made", withTransport(async (transport) => {
  transport.get("/a").reply(200);
  assert.equal(await failureOf(transport.fetch(URL_TEXT, { signal: AbortSignal.abort(reason) })), reason);
  const request = new Request(URL_TEXT, { signal: AbortSignal.abort(reason) });
  assert.equal(await failureOf(transport.fetch(request)), reason);
  assert.equal(transport.count(), 0);
}));

test("without a reason, it is the platform's AbortError", withTransport(async (transport) => {
  transport.get("/a").hold();
  const controller = new AbortController();
  const response = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
  controller.abort();
  const error = await response;
  assert.ok(error instanceof DOMException);
  assert.equal(error.name, "AbortError");
}));

test("while it is held", withTransport(async (transport) => {
  const held = transport.get("/a").hold();
  const controller = new AbortController();
  const response = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
  const request = await held.next();
  controller.abort(reason);
  assert.equal(await response, reason);
  assert.equal(transport.lastRequest().outcome, "cancelled");
  assert.equal(request.isWaiting, false);
  assert.throws(() => request.reply(200), StaleHandleError);
}));

test("a held request that is aborted is not given to the test any more", withTransport(async (transport) => {
  const held = transport.get("/:n").hold();
  const controller = new AbortController();
  const first = failureOf(transport.fetch("https://api.test/1", { signal: controller.signal }));
  const second = transport.fetch("https://api.test/2");
  controller.abort(reason);
  await first;
  assert.equal(held.waiting, 1);
  const { request } = await held.next();
  assert.equal(request.path, "/2");
  transport.dispose();
  await failureOf(second);
}));

test("while a handler is at work: its reply is not wanted any more", withTransport(async (transport) => {
  let finish;
  transport.get("/a").reply(() => new Promise((resolve) => (finish = resolve)));
  const controller = new AbortController();
  const response = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
  controller.abort(reason);
  assert.equal(await response, reason);
  finish("too late");
  await settled();
  assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().status], ["cancelled", undefined]);
}));

test("while the body of the request is on its way", withTransport(async (transport) => {
  transport.post("/a").reply(200);
  const controller = new AbortController();
  const body = new ReadableStream({ pull: () => new Promise(() => {}) });
  const response = failureOf(transport.fetch(URL_TEXT, { method: "POST", body, duplex: "half", signal: controller.signal }));
  controller.abort(reason);
  assert.equal(await response, reason);
  assert.equal(transport.lastRequest().outcome, "cancelled");
}));

describe("after the head", () => {
  for (const [name, read] of [
    ["text()", (response) => response.text()],
    ["json()", (response) => response.json()],
    ["arrayBuffer()", (response) => response.arrayBuffer()],
    ["blob()", (response) => response.blob()],
    ["a reader", (response) => response.body.getReader().read()],
    ["a reader of before", (response, reader) => reader.read()],
  ]) {
    test(`${name} rejects`, withTransport(async (transport) => {
      transport.get("/a").reply({ a: 1 });
      const controller = new AbortController();
      const response = await transport.fetch(URL_TEXT, { signal: controller.signal });
      const reader = name === "a reader of before" ? response.body.getReader() : undefined;
      controller.abort(reason);
      assert.equal(await failureOf(read(response, reader)), reason);
      assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["cancelled", 0]);
    }));
  }

  test("in the middle of a stream", withTransport(async (transport) => {
    transport.get("/a").stream(async function* () {
      yield "first";
      await new Promise(() => {});
    });
    const controller = new AbortController();
    const response = await transport.fetch(URL_TEXT, { signal: controller.signal });
    const reader = response.body.getReader();
    await reader.read();
    const second = failureOf(reader.read());
    controller.abort(reason);
    assert.equal(await second, reason);
    assert.equal(await failureOf(reader.closed), reason);
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["cancelled", 5]);
  }));

  test("a response that was read is not touched", withTransport(async (transport) => {
    transport.get("/a").reply("text");
    const controller = new AbortController();
    const response = await transport.fetch(URL_TEXT, { signal: controller.signal });
    assert.equal(await response.text(), "text");
    controller.abort(reason);
    assert.equal(transport.lastRequest().outcome, "done");
  }));
});

describe("cancel", () => {
  test("of a body that nobody has read", withTransport(async (transport) => {
    transport.get("/a").reply(429, "slow down");
    const response = await transport.fetch(URL_TEXT);
    assert.equal(await response.body.cancel(), undefined);
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["cancelled", 0]);
  }));

  test("of a body that was read to the end changes nothing", withTransport(async (transport) => {
    transport.get("/a").reply("text");
    const { body } = await transport.fetch(URL_TEXT);
    const reader = body.getReader();
    await reader.read();
    await reader.cancel();
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["done", 4]);
  }));

  test("resolves whatever the source does when it is told", withTransport(async (transport) => {
    transport.get("/a").stream(async function* () {
      try {
        yield "a";
        yield "b";
      } finally {
        await Promise.reject(new Error("the source's own trouble"));
      }
    });
    const reader = (await transport.fetch(URL_TEXT)).body.getReader();
    await reader.read();
    assert.equal(await reader.cancel("enough"), undefined);
    await settled();
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["cancelled", 1]);
  }));
});

test("no listener stays behind on a signal that lives on", withTransport(async (transport) => {
  const { signal } = new AbortController();
  const listeners = new Set();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type, listener, ...rest) => (listeners.add(listener), addEventListener.call(signal, type, listener, ...rest));
  signal.removeEventListener = (type, listener, ...rest) => (listeners.delete(listener), removeEventListener.call(signal, type, listener, ...rest));
  transport.get("/static").reply("text");
  transport.get("/handler").reply(async () => "text");
  transport.get("/stream").stream(["a", "b"]);
  transport.get("/failing").reply(async () => { throw new Error("oops"); });
  const held = transport.get("/held").hold();
  const at = (path) => transport.fetch(`https://api.test${path}`, { signal });
  const waiting = at("/held");
  await (await at("/static")).text();
  for (const path of ["/static", "/handler", "/stream"]) {
    const { body } = await at(path);
    for await (const _ of body);
    await (await at(path)).text();
    await (await at(path)).body.cancel();
  }
  await failureOf(at("/failing"));
  (await held.next()).reply("text");
  await (await waiting).text();
  assert.equal(listeners.size, 0);
}));

test("of an unmatched request that a handler answers", withTransport({ unmatched: () => new Promise(() => {}) }, async (transport) => {
  const controller = new AbortController();
  const response = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
  controller.abort(reason);
  assert.equal(await response, reason);
  assert.equal(transport.lastRequest().outcome, "unmatched");
}));
