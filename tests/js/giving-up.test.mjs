/**
 * A client that gives up, at any moment and on any kind of body: it gets its own reason, the journal
 * knows how far it came, and nothing is left behind. And replies that nobody reads: nobody hangs.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MockTransport, reply } from "mockwire";
import OpenAI from "openai";
import { failureOf, settled, withTransport } from "./support.mjs";
import { ANTHROPIC, OPENAI } from "./wire.mjs";

const URL_TEXT = "https://api.test/a";
const reason = { my: "own reason" };

/** A signal that knows who listens to it. */
function watched() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type, listener, ...rest) => (listeners.add(listener), addEventListener.call(signal, type, listener, ...rest));
  signal.removeEventListener = (type, listener, ...rest) => (listeners.delete(listener), removeEventListener.call(signal, type, listener, ...rest));
  return { controller, signal, listeners };
}

function nothingLeft(transport, listeners, expected) {
  const { outcome, status, delivered } = transport.lastRequest();
  assert.deepEqual([outcome, status, delivered], expected);
  assert.deepEqual([transport.pending(), listeners.size], [[], 0]);
}

describe("before the head", () => {
  const never = () => new Promise(() => {});
  for (const [what, answer] of Object.entries({
    "a held reply": (rule) => rule.hold(),
    "a delayed reply": (rule) => rule.reply(reply.text("late", { delay: 1000 })),
    "a delayed failure": (rule) => rule.error("ECONNRESET", { delay: 1000 }),
    "a delayed stream": (rule) => rule.reply(reply.script({ steps: ["late"] }, { delay: 1000 })),
    "a handler at work": (rule) => rule.reply(never),
    "a handler that sleeps": (rule, transport) => rule.reply(() => transport.sleep(1000)),
    "another transport's fetch": (rule) => rule.passthrough((_, { signal } = {}) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }))),
  })) {
    test(what, withTransport({ timing: "manual" }, async (transport) => {
      answer(transport.get("/a"), transport);
      const { controller, signal, listeners } = watched();
      const failure = failureOf(transport.fetch(URL_TEXT, { signal }));
      await transport.advance(500);
      assert.equal(transport.lastRequest().outcome, "pending");
      controller.abort(reason);
      assert.equal(await failure, reason);
      await settled();
      // What a handler waits for goes on: it is the handler's.
      if (what === "a handler that sleeps") await transport.advance(500);
      nothingLeft(transport, listeners, ["cancelled", undefined, 0]);
    }));
  }
});

describe("in the middle of a body, after its first three bytes", () => {
  const left = [];
  const generator = (rest) =>
    async function* () {
      try {
        yield "one";
        await rest();
        yield "two";
      } finally {
        left.push("left");
      }
    };
  const KINDS = {
    "a stream": () => reply.stream(["one", "two"]),
    "a generator": () => reply.stream(function* () { try { yield "one"; yield "two"; } finally { left.push("left"); } }),
    "an async generator": () => reply.stream(generator(async () => {})),
    "an async generator that sleeps": (transport) => reply.stream(generator(() => transport.sleep(1000))),
    "a script": () => reply.script({ steps: ["one", "two"] }),
    "a script that takes its time": () => reply.script({ steps: ["one", { wait: 1000 }, "two"] }),
    "a script that is made for each client": () => reply.script({ steps: ["one", "two"], gap: 5, jitter: 0.5, repeat: "forever" }),
    "a script that is held": () => reply.script({ steps: ["one", { hold: "never" }] }),
    "a script that stalls": () => reply.script({ steps: ["one"], end: "stall" }),
    "a platform Response": () => () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new TextEncoder().encode("one")) }, { highWaterMark: 0 })),
  };
  const WAYS = {
    "a reader that waits": async (response, controller) => {
      const reader = response.body.getReader();
      await reader.read();
      controller.abort(reason);
      return [await failureOf(reader.read()), await failureOf(reader.closed)];
    },
    "an iteration": async ({ body }, controller) => [await failureOf(async () => { for await (const _ of body) controller.abort(reason); })],
    "a reader of its own buffer": async ({ body }, controller) => {
      const reader = body.getReader({ mode: "byob" });
      await reader.read(new Uint8Array(3));
      controller.abort(reason);
      return [await failureOf(reader.read(new Uint8Array(3)))];
    },
  };
  for (const [what, made] of Object.entries(KINDS)) {
    for (const [how, giveUp] of Object.entries(WAYS)) {
      test(`${what}, ${how}`, withTransport({ timing: "manual" }, async (transport) => {
        left.length = 0;
        transport.get("/a").reply(made(transport));
        const { controller, signal, listeners } = watched();
        const response = await transport.fetch(URL_TEXT, { signal });
        for (const error of await giveUp(response, controller)) assert.equal(error, reason);
        await transport.advance(1000);
        nothingLeft(transport, listeners, ["cancelled", 200, 3]);
        assert.deepEqual(left, what.includes("generator") ? ["left"] : []);
      }));
    }
  }

  test("while a read waits", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["one", { wait: 1000 }, "two"] }));
    const { controller, signal, listeners } = watched();
    const reading = failureOf(async () => (await transport.fetch(URL_TEXT, { signal })).text());
    await transport.advance(999);
    assert.equal(transport.lastRequest().delivered, 3);
    controller.abort(reason);
    assert.equal(await reading, reason);
    nothingLeft(transport, listeners, ["cancelled", 200, 3]);
  }));
});

describe("a 429", () => {
  const BODIES = {
    "of text": () => reply.json({ error: "slow down" }, { status: 429 }),
    "of nothing": () => reply.empty(429),
    "in pieces": () => reply.stream(["slow ", "down"], { status: 429 }),
    "that never ends": () => reply.script({ steps: ["slow down "], repeat: "forever" }, { status: 429 }),
    "that takes for ever, and generates it": () => reply.stream(async function* () { for (;;) yield "slow down"; }, { status: 429 }),
    "that stalls": () => reply.script({ steps: ["slow"], end: "stall" }, { status: 429 }),
    "that stalls at once": () => reply.script({ end: "stall" }, { status: 429 }),
    "that is held": () => reply.script({ steps: [{ hold: "never" }] }, { status: 429 }),
    "whose connection breaks": () => reply.script({ steps: ["slow"], end: "reset" }, { status: 429 }),
  };
  const DEALINGS = {
    "cancelled": ({ body }) => body?.cancel(),
    "cancelled by a reader": ({ body }) => body?.getReader().cancel(),
    "cancelled by an iterator that was not begun": ({ body }) => body?.[Symbol.asyncIterator]().return(),
    "cancelled while a read waits": async ({ body }) => {
      const reader = body?.getReader();
      void reader?.read().catch(() => {});
      await reader?.cancel();
    },
    "never read": () => {},
    "never read, but looked at": ({ body }) => void body?.locked,
  };
  for (const [what, made] of Object.entries(BODIES)) {
    for (const [how, deal] of Object.entries(DEALINGS)) {
      test(`${what}, ${how}: the next attempt has its answer`, withTransport(async (transport) => {
        transport.get("/a").replySequence([made(), made(), { well: true }]);
        for (let n = 0; n < 2; n += 1) {
          const response = await transport.fetch(URL_TEXT);
          assert.equal(response.status, 429);
          await deal(response);
          await transport.sleep(1000);
        }
        assert.deepEqual(await (await transport.fetch(URL_TEXT)).json(), { well: true });
        const [first, second, third] = transport.requests().map(({ outcome }) => outcome);
        const expected = what === "of nothing" ? "done" : how.startsWith("never") ? "pending" : "cancelled";
        assert.deepEqual([first, second, third], [expected, expected, "done"]);
        // What was not read is named to whoever looks for a reason why something hangs.
        const named = transport.pending().filter(({ request }) => request?.status === 429);
        assert.equal(named.length, expected === "pending" ? 2 : 0);
        transport.verify();
      }));
    }
  }

  for (const [name, connect, url, message] of [
    ["@anthropic-ai/sdk", (fetch) => new Anthropic({ apiKey: "k", fetch, logLevel: "off" }), "/v1/messages", ANTHROPIC],
    ["openai", (fetch) => new OpenAI({ apiKey: "k", fetch, logLevel: "off" }), "/v1/chat/completions", OPENAI],
  ]) {
    for (const [what, made] of Object.entries(BODIES)) {
      test(`${name} gives one up ${what}, and goes on`, withTransport(async (transport) => {
        transport.post(url).replySequence([made(), message]);
        const asking = connect(transport.fetch);
        // The client waits before it tries again: not here.
        asking.calculateDefaultRetryTimeoutMillis = () => 0;
        const params = { model: "m", max_tokens: 1, messages: [{ role: "user", content: "Hi" }] };
        const answer = await (name === "openai" ? asking.chat.completions.create(params) : asking.messages.create(params));
        assert.equal(answer.id, message.id);
        const [first, second] = transport.requests();
        assert.deepEqual([first.status, first.outcome, first.delivered, second.outcome], [429, what === "of nothing" ? "done" : "cancelled", 0, "done"]);
        assert.deepEqual(transport.pending(), []);
      }));
    }
  }

  test("a process that never reads one ends by itself", () => {
    const code = (timing) => `
      import { MockTransport, reply } from "mockwire";
      const transport = new MockTransport({ timing: "${timing}" });
      transport.get("/stall").reply(reply.script({ steps: ["a"], end: "stall" }, { status: 429 }));
      transport.get("/held").reply(reply.script({ steps: [{ hold: "never" }] }, { status: 429 }));
      transport.get("/endless").reply(reply.script({ steps: ["a"], repeat: Infinity }, { status: 429 }));
      for (const path of ["stall", "held", "endless"]) {
        const { body } = await transport.fetch("https://api.test/" + path);
        void body.locked;
      }
      console.log(transport.pending().length);`;
    for (const timing of ["instant", "manual", "real"]) {
      const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code(timing)], { cwd: import.meta.dirname, encoding: "utf8", timeout: 60_000 });
      assert.equal(printed, "3\n");
    }
  });

  test("dispose() ends the wait of those who do read one", async () => {
    const transport = new MockTransport();
    transport.get("/a").reply(BODIES["that stalls"]());
    const reading = failureOf(async () => (await transport.fetch(URL_TEXT)).text());
    await settled();
    transport.dispose();
    assert.equal((await reading).code, "MOCKWIRE_DISPOSED");
  });
});
