/** Streams that play scripts: frames in the transport's time, holds, endings, and clients that give up. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { DisposedError, InvalidReplyError, MockTransport, reply } from "mockwire";
import { chunksOf, failureOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/a";
const reason = { my: "own reason" };
const decoder = new TextDecoder();

/** Reads a body to its end, and notes what comes when: `[due, text]`, last `[due, "end" or the error's code]`. */
async function played(transport, response, { most = Infinity, text = (bytes) => decoder.decode(bytes) } = {}) {
  const log = [];
  const began = transport.now();
  const reader = response.body.getReader();
  try {
    while (log.length < most) {
      const { done, value } = await reader.read();
      log.push([transport.now() - began, done ? "end" : text(value)]);
      if (done) return log;
    }
  } catch (error) {
    assert.equal(String(error), "TypeError: terminated");
    return [...log, [transport.now() - began, error.cause.code]];
  }
  await reader.cancel();
  return log;
}

/** What a client gets of a script, or of another reply. */
async function play(made, options) {
  const transport = new MockTransport(options);
  transport.get("/a").reply(made);
  const log = await played(transport, await transport.fetch(URL_TEXT), { most: 20 });
  transport.dispose();
  return log;
}

describe("sixty generated scripts give in JavaScript what they give natively", () => {
  const transcripts = readFileSync(new URL("../behaviour/transcripts.txt", import.meta.url), "utf8");
  const text = (bytes) => Buffer.from(bytes).toString("hex");
  for (const part of transcripts.split(/^(?=script )/m)) {
    const [head, ...lines] = part.trimEnd().split("\n");
    const [, number, json] = /^script (\d+) (.*)$/.exec(head);
    test(`script ${number}`, withTransport({ seed: number * 31 }, async (transport) => {
      transport.get("/a").reply(reply.script(JSON.parse(json)));
      const log = await played(transport, await transport.fetch(URL_TEXT), { most: lines.length, text });
      const words = { ECONNRESET: "ECONNRESET", ETIMEDOUT: "ETIMEDOUT" };
      assert.deepEqual(log.map(([due, what]) => `  ${Math.round(due * 1e6)} ${words[what] ?? what}`), lines);
    }));
  }
});

describe("steps", () => {
  test("of every kind", async () => {
    const steps = ["text", new Uint8Array([98]), { wait: 10 }, { text: "é" }, { base64: "Yw==" }, { wait: 0.5 }, { event: { data: { b: 1, a: "x" }, event: "e" } }];
    assert.deepEqual(await play(reply.script({ steps })), [
      [0, "text"], [0, "b"], [10, "é"], [10, "c"], [10.5, 'event: e\ndata: {"b":1,"a":"x"}\n\n'], [10.5, "end"],
    ]);
  });

  test("text that is no Unicode is sent as the platform sends it", async () => {
    assert.deepEqual(await play(reply.script({ steps: ["\ud800x"] })), [[0, "\ufffdx"], [0, "end"]]);
  });

  test("for ever, as far as the client reads", async () => {
    const log = await play(reply.script({ steps: ["a", "b"], gap: 5, repeat: Infinity }));
    assert.deepEqual([log.length, log.at(-1)], [20, [95, "b"]]);
  });

  test("a cut in the middle of a character, and the connection is lost", withTransport(async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["aé"], cutAt: 2, end: "reset" }));
    const response = await transport.fetch(URL_TEXT);
    const reader = response.body.getReader();
    assert.deepEqual([...(await reader.read()).value], [97, 0xc3]);
    const error = await failureOf(reader.read());
    assert.deepEqual([error.constructor, error.message, error.cause.code, error.cause.message], [TypeError, "terminated", "ECONNRESET", "read ECONNRESET"]);
    assert.equal(await failureOf(reader.closed), error);
    const { outcome, delivered, error: said } = transport.lastRequest();
    assert.deepEqual([outcome, delivered, said], ["failed", 2, "TypeError: terminated"]);
  }));

  test("a fault, by its name", async () => {
    assert.deepEqual(await play(reply.script({ steps: ["a"], end: { fault: "timeout" } })), [[0, "a"], [0, "ETIMEDOUT"]]);
  });

  test("trailers are not for fetch", async () => {
    assert.deepEqual(await play(reply.script({ steps: ["a"], trailers: [["x-a", "b"]] })), [[0, "a"], [0, "end"]]);
  });

  test("the head and the type are the usual ones", withTransport(async (transport) => {
    transport.get("/plain").reply(reply.script({ steps: ["a"] }, { status: 207, headers: { "x-a": "b" } }));
    transport.get("/events").reply(reply.script({ steps: [{ event: { data: "a" } }] }));
    const [plain, events] = await Promise.all(["/plain", "/events"].map((path) => transport.fetch(`https://api.test${path}`)));
    assert.deepEqual([plain.status, plain.headers.get("x-a"), plain.headers.get("content-type")], [207, "b", null]);
    assert.equal(events.headers.get("content-type"), "text/event-stream");
  }));

  test("mistakes are named when the reply is made", () => {
    for (const [script, message] of [
      [{ steps: [5] }, /a step of a script is text, bytes, or an object .*, not 5/],
      [{ steps: [{ wait: -1 }] }, /milliseconds/],
      [{ steps: [{ event: { id: "a\nb" } }] }, /id/],
      [{ chunking: { bytes: 0 } }, /at least one byte/],
      [{ repeat: "forever" }, /repeats for ever/],
      [{ jitter: 2 }, /from 0 to 1/],
      [{ speed: 2 }, /speed/],
      [null, /takes an object/],
    ]) {
      assert.throws(() => reply.script(script), (error) => error instanceof InvalidReplyError && message.test(error.message), String(message));
    }
  });
});

describe("time", () => {
  const slow = { steps: ["a", "b", "c"], firstByte: 30, gap: 10 };

  test("counts from the head, and a late reader gets at once what is due", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply(reply.script(slow));
    const response = await transport.fetch(URL_TEXT);
    await transport.advance(45);
    const reader = response.body.getReader();
    assert.equal(decoder.decode((await reader.read()).value), "a");
    assert.equal(decoder.decode((await reader.read()).value), "b");
    const third = reader.read();
    await transport.advance(4);
    assert.equal(transport.lastRequest().delivered, 2);
    await transport.advance(1);
    assert.equal(decoder.decode((await third).value), "c");
  }));

  test("frames of merged streams keep their order", withTransport(async (transport) => {
    transport.get("/:n").reply((request) => reply.script({ steps: ["1", "2", "3", "4"], gap: request.params.n === "a" ? 20 : 30 }));
    const log = [];
    const read = async (path) => {
      const response = await transport.fetch(`https://api.test/${path}`);
      for await (const chunk of response.body) log.push(`${path}${decoder.decode(chunk)}@${transport.now()}`);
    };
    await Promise.all(["a", "b"].map(read));
    assert.deepEqual(log, ["a1@0", "b1@0", "a2@20", "b2@30", "a3@40", "a4@60", "b3@60", "b4@90"]);
  }));

  test("also when one advance covers them all", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/:n").reply((request) => reply.script({ steps: ["1", "2", "3", "4"], gap: request.params.n === "a" ? 20 : 30 }));
    const log = [];
    const read = async (path) => {
      const response = await transport.fetch(`https://api.test/${path}`);
      const depth = path === "a" ? response.body.pipeThrough(new TransformStream()) : response.body;
      for await (const chunk of depth) log.push(`${path}${decoder.decode(chunk)}`);
    };
    const reading = Promise.all(["a", "b"].map(read));
    await transport.advance(0);
    // What is due with the head waits for nobody, and one of them has the longer way.
    assert.deepEqual(log.splice(0).sort(), ["a1", "b1"]);
    await transport.advance(1000);
    assert.deepEqual(log, ["a2", "b2", "a3", "a4", "b3", "b4"]);
    await reading;
  }));

  test("an array of text comes in time as well", async () => {
    assert.deepEqual(await play(reply.stream(["a", "b"], { gap: 7, end: "reset" })), [[0, "a"], [7, "b"], [7, "ECONNRESET"]]);
    assert.throws(() => reply.stream(function* () {}, { gap: 7 }), /has its own time/);
  });

  test("really passes, when it is real", withTransport({ timing: "real" }, async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["a", "b"], gap: 3 }));
    const response = await transport.fetch(URL_TEXT);
    assert.equal(await response.text(), "ab");
    assert.ok(transport.now() >= 3);
  }));

  test("jitter comes from the seed, and from the number of the request", async () => {
    const script = reply.script({ steps: ["a", "b", "c"], gap: 100, jitter: 0.5 });
    const [one, again, other] = [await play(script, { seed: 1 }), await play(script, { seed: 1 }), await play(script, { seed: 2 })];
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
  });
});

describe("events and lines", () => {
  test("events, text for short", async () => {
    const made = reply.events(["one", { event: "e", id: "1", retry: 5, data: "two\nlines", comment: "c" }, { wait: 5 }, { data: [1] }], { terminal: "data: [DONE]\n\n" });
    assert.deepEqual(await play(made), [
      [0, "data: one\n\n"], [0, ": c\nevent: e\nid: 1\nretry: 5\ndata: two\ndata: lines\n\n"], [5, "data: [1]\n\n"], [5, "data: [DONE]\n\n"], [5, "end"],
    ]);
  });

  test("events of an async generator, in its own time", withTransport(async (transport) => {
    transport.get("/a").reply(reply.events(async function* () {
      yield "one";
      await transport.sleep(100);
      yield { data: { n: 2 } };
    }));
    const response = await transport.fetch(URL_TEXT);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.deepEqual(await played(transport, response), [[0, "data: one\n\n"], [100, 'data: {"n":2}\n\n'], [100, "end"]]);
  }));

  test("lines of JSON", withTransport(async (transport) => {
    for (const values of [[{ a: 1 }, null], function* () { yield { a: 1 }; yield null; }]) {
      const log = await play(reply.ndjson(values));
      assert.deepEqual(log, [[0, '{"a":1}\n'], [0, "null\n"], [0, "end"]]);
    }
    transport.get("/a").reply(reply.ndjson([1]));
    assert.equal((await transport.fetch(URL_TEXT)).headers.get("content-type"), "application/x-ndjson");
  }));

  test("lines come in time as well", async () => {
    assert.deepEqual(await play(reply.ndjson([1, 2], { gap: 3 })), [[0, "1\n"], [3, "2\n"], [3, "end"]]);
  });

  test("their own type wins, and mistakes are named", () => {
    assert.throws(() => reply.events([5]), /an event is text or an object, not 5/);
    assert.throws(() => reply.ndjson([undefined]), /undefined is not JSON/);
    assert.throws(() => reply.events(async function* () {}, { gap: 5 }), /events\(\) takes an array/);
  });
});

describe("holds", () => {
  test("until the test releases them; what is released stays so", withTransport(async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["a", { hold: "go" }, "b", { wait: 10 }, "c"] }));
    const log = [];
    const reading = (async () => {
      for await (const chunk of (await transport.fetch(URL_TEXT)).body) log.push([transport.now(), decoder.decode(chunk)]);
    })();
    await transport.sleep(100);
    assert.deepEqual(log, [[0, "a"]]);
    assert.match(transport.pending().at(-1).what, /^#1 GET https:\/\/api\.test\/a: waits for release\("go"\)$/);
    transport.release("go");
    await reading;
    assert.deepEqual(log, [[0, "a"], [100, "b"], [110, "c"]]);
    assert.deepEqual(await played(transport, await transport.fetch(URL_TEXT)), [[0, "a"], [0, "b"], [10, "c"], [10, "end"]]);
  }));

  test("a reset closes them again", withTransport(async (transport) => {
    transport.release("go");
    transport.reset();
    transport.get("/a").reply(reply.script({ steps: [{ hold: "go" }, "b"] }));
    const reading = (await transport.fetch(URL_TEXT)).text();
    await transport.sleep(10);
    transport.release("go");
    assert.equal(await reading, "b");
  }));
});

describe("clients that give up", () => {
  const scripts = {
    "between two frames": { steps: ["a", { wait: 1000 }, "b"] },
    "at a hold": { steps: ["a", { hold: "never" }, "b"] },
    "at a stall": { steps: ["a"], end: "stall" },
    "at a hold of a random script": { steps: ["a", { wait: 5 }, { hold: "never" }], jitter: 0.5 },
  };
  for (const [name, script] of Object.entries(scripts)) {
    for (const timing of ["instant", "manual", "real"]) {
      const begun = async (transport, options) => {
        transport.get("/a").reply(reply.script(name === "between two frames" && timing === "instant" ? scripts["at a stall"] : script));
        const response = await transport.fetch(URL_TEXT, options);
        const reader = response.body.getReader();
        await reader.read();
        return { response, reader, second: reader.read() };
      };
      const after = (transport) => {
        const { outcome, delivered } = transport.lastRequest();
        assert.deepEqual([outcome, delivered, transport.pending()], ["cancelled", 1, []]);
      };

      test(`abort, ${name}: ${timing}`, withTransport({ timing }, async (transport) => {
        const controller = new AbortController();
        const { second, reader } = await begun(transport, { signal: controller.signal });
        const failure = failureOf(second);
        await settled();
        controller.abort(reason);
        assert.equal(await failure, reason);
        assert.equal(await failureOf(reader.read()), reason);
        after(transport);
      }));

      test(`cancel, ${name}: ${timing}`, withTransport({ timing }, async (transport) => {
        const { second, reader } = await begun(transport);
        await settled();
        assert.equal(await reader.cancel("enough"), undefined);
        assert.deepEqual(await second, { value: undefined, done: true });
        after(transport);
      }));

      test(`dispose, ${name}: ${timing}`, async () => {
        const transport = new MockTransport({ timing });
        const { second } = await begun(transport);
        const failure = failureOf(second);
        await settled();
        transport.dispose();
        assert.ok((await failure) instanceof DisposedError);
      });
    }
  }

  test("a body that nobody reads is cancelled: nothing was delivered, nobody waits", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply(reply.script({ steps: [{ wait: 5 }, "slow down"] }, { status: 429 }));
    const response = await transport.fetch(URL_TEXT);
    assert.equal(await response.body.cancel(), undefined);
    const { outcome, delivered } = transport.lastRequest();
    assert.deepEqual([outcome, delivered, transport.pending()], ["cancelled", 0, []]);
  }));
});

describe("a delayed head", () => {
  for (const [name, made] of [
    ["json", () => reply.json({ a: 1 }, { delay: 100 })],
    ["text", () => reply.text("a", { delay: 100 })],
    ["a stream", () => reply.stream(["a"], { delay: 100 })],
    ["a script", () => reply.script({ steps: ["a"] }, { delay: 100 })],
    ["nothing", () => reply.empty(204, { delay: 100 })],
    ["a handler's reply", () => () => reply.text("a", { delay: 100 })],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.get("/a").reply(made());
      const response = await transport.fetch(URL_TEXT);
      assert.equal(transport.now(), 100);
      await response.text();
      assert.equal(transport.lastRequest().outcome, "done");
    }));
  }

  test("a failure", withTransport(async (transport) => {
    transport.get("/a").error("ETIMEDOUT", { delay: 100 });
    assert.equal((await failureOf(transport.fetch(URL_TEXT))).cause.code, "ETIMEDOUT");
    assert.deepEqual([transport.now(), transport.lastRequest().outcome], [100, "failed"]);
  }));

  test("a body's time begins with the head", withTransport(async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["a"], firstByte: 10 }, { delay: 100 }));
    assert.deepEqual(await played(transport, await transport.fetch(URL_TEXT)), [[10, "a"], [10, "end"]]);
    assert.equal(transport.now(), 110);
  }));

  test("a client that gives up before it", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply(reply.text("a", { delay: 100 }));
    const controller = new AbortController();
    const failure = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
    await transport.advance(50);
    assert.match(transport.pending().at(-1).what, /waits for its reply/);
    controller.abort(reason);
    assert.equal(await failure, reason);
    const { outcome, status } = transport.lastRequest();
    assert.deepEqual([outcome, status, transport.pending()], ["cancelled", undefined, []]);
  }));

  test("a mistake is named", () => {
    assert.throws(() => reply.text("a", { delay: -1 }), /milliseconds/);
    assert.throws(() => reply.text("a", { delay: "1" }), /milliseconds/);
  });
});

describe("the stream is the platform's", () => {
  const withBody = (body) => withTransport(async (transport) => {
    transport.get("/a").stream(["one", "two", "three"]);
    const response = await transport.fetch(URL_TEXT);
    await body(response, transport);
  });

  test("by class, with a reader of its class, and locked by it", withBody(async (response) => {
    assert.ok(response.body instanceof ReadableStream);
    const reader = response.body.getReader();
    assert.ok(reader instanceof ReadableStreamDefaultReader);
    assert.equal(response.body.locked, true);
    assert.throws(() => response.body.getReader(), TypeError);
    assert.equal(response.bodyUsed, false);
    await reader.read();
    assert.equal(response.bodyUsed, true);
    reader.releaseLock();
    assert.ok((await failureOf(reader.read())) instanceof TypeError);
    await assert.rejects(response.text(), TypeError);
    const rest = response.body.getReader();
    assert.equal(decoder.decode((await rest.read()).value), "two");
    assert.equal(decoder.decode((await rest.read()).value), "three");
    assert.deepEqual(await rest.read(), { value: undefined, done: true });
    await rest.closed;
  }));

  test("pieces are asked for one after the other, or all at once", withBody(async (response, transport) => {
    const reader = response.body.getReader();
    const reads = await Promise.all([reader.read(), reader.read(), reader.read(), reader.read()]);
    assert.deepEqual(reads.map(({ value }) => value && decoder.decode(value)), ["one", "two", "three", undefined]);
    assert.equal(transport.lastRequest().outcome, "done");
  }));

  test("each piece is its reader's own memory", withBody(async (response) => {
    const reader = response.body.getReader();
    for (const length of [3, 3, 5]) {
      const { value } = await reader.read();
      assert.deepEqual([value.byteLength, value.byteOffset, value.buffer.byteLength], [length, 0, length]);
      structuredClone(value.buffer, { transfer: [value.buffer] });
    }
  }));

  test("tee, pipeThrough, async iteration, Response, a reader of one's own buffer", async () => {
    const texts = {
      tee: async ({ body }) => (await Promise.all(body.tee().map(chunksOf))).map((it) => it.join("")).join(),
      pipeThrough: async ({ body }) => (await chunksOf(body.pipeThrough(new TransformStream()))).join(""),
      iteration: async ({ body }) => (await chunksOf(body)).join(""),
      Response: async ({ body }) => new Response(body).text(),
      clone: async (response) => (await response.clone().text()) + (await response.text()),
      byob: async ({ body }) => {
        const reader = body.getReader({ mode: "byob" });
        let text = "";
        for (;;) {
          const { done, value } = await reader.read(new Uint8Array(2));
          if (done) return text;
          text += decoder.decode(value);
        }
      },
      "a reader, then the rest": async ({ body }) => {
        const reader = body.getReader();
        const first = decoder.decode((await reader.read()).value) + decoder.decode((await reader.read()).value);
        reader.releaseLock();
        return first + (await chunksOf(body)).join("");
      },
    };
    for (const [name, read] of Object.entries(texts)) {
      const transport = new MockTransport();
      transport.get("/a").stream(["one", "two", "three"]);
      const text = await read(await transport.fetch(URL_TEXT));
      assert.equal(text, { tee: "onetwothree,onetwothree", clone: "onetwothreeonetwothree" }[name] ?? "onetwothree", name);
      assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["done", 11], name);
      transport.dispose();
    }
  });

  test("an iteration that is left cancels, unless that is prevented", withTransport(async (transport) => {
    transport.get("/a").stream(["one", "two", "three"]);
    const { body } = await transport.fetch(URL_TEXT);
    for await (const chunk of body.values({ preventCancel: true })) {
      assert.equal(decoder.decode(chunk), "one");
      break;
    }
    assert.equal(body.locked, false);
    for await (const chunk of body) {
      assert.equal(decoder.decode(chunk), "two");
      break;
    }
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered, body.locked], ["cancelled", 6, false]);
    assert.deepEqual(await chunksOf(body), []);
  }));

  test("an iterator answers one call after the other, and ends for good", withBody(async ({ body }) => {
    const values = body[Symbol.asyncIterator]();
    assert.equal(body.locked, true);
    assert.equal(values[Symbol.asyncIterator](), values);
    const steps = await Promise.all([values.next(), values.next(), values.return("enough"), values.next(), values.return("again")]);
    assert.deepEqual(steps.map(({ done, value }) => (done ? ["done", value] : decoder.decode(value))), ["one", "two", ["done", "enough"], ["done", undefined], ["done", "again"]]);
    assert.equal(body.locked, false);
  }));

  test("an iterator that was never asked for anything cancels as well", withTransport(async (transport) => {
    transport.get("/a").stream(["one"]);
    const { body } = await transport.fetch(URL_TEXT);
    await body.values().return();
    assert.equal(transport.lastRequest().outcome, "cancelled");
  }));

  test("a read that waits and one that does not keep their order", withTransport(async (transport) => {
    transport.get("/a").reply(reply.script({ steps: ["a", { wait: 5 }, "b", "c", { wait: 5 }, "d"] }));
    const reader = (await transport.fetch(URL_TEXT)).body.getReader();
    const reads = Array.from({ length: 5 }, () => reader.read());
    const first = (await Promise.all(reads.slice(0, 2))).map(({ value }) => decoder.decode(value));
    const late = reader.read();
    assert.deepEqual(first, ["a", "b"]);
    assert.deepEqual((await Promise.all(reads.slice(2))).map(({ value }) => value && decoder.decode(value)), ["c", "d", undefined]);
    assert.equal((await late).done, true);
  }));
});
