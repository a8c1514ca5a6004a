/** What goes wrong on purpose: with a reply, by chance, and with hosts. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, mock, test } from "node:test";
import { InvalidArgumentError, InvalidReplyError, MockTransport, reply } from "mockwire";
import { connected, eventOf, failureOf, historyOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/a";
const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** Resolves with `undefined` when a promise does not settle without timers and I/O. */
async function orNever(promise) {
  let turns = 0;
  const never = (async () => {
    while (turns++ < 20) await settled();
  })();
  return Promise.race([promise, never]);
}

/** What a client sees: when, in nanoseconds, and bytes in hexadecimal; as `chaos_transcripts.rs` tells it. */
async function seen(transport, path) {
  const at = () => Math.round(transport.now() * 1e6);
  const controller = new AbortController();
  const call = transport.fetch(`https://api.test${path}`, { signal: controller.signal });
  const response = await orNever(call.then((it) => it, (error) => `${at()} ${error.cause.code}`));
  if (response === undefined) {
    controller.abort();
    await failureOf(call);
    return `  ${path} ${at()} never`;
  }
  if (typeof response === "string") return `  ${path} ${response}`;
  const length = response.headers.get("content-length");
  const told = [`  ${path} ${at()} ${response.status}${length === null ? "" : ` of ${length}`}`];
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      told.push(`${at()} ${done ? "end" : hex(value)}`);
      if (done) break;
    }
  } catch (error) {
    told.push(`${at()} ${error.cause.code}`);
  }
  return told.join(", ");
}

describe("forty generated chaoses do in JavaScript what they do natively", () => {
  const transcripts = readFileSync(new URL("../behaviour/chaos.txt", import.meta.url), "utf8");
  const prepare = (transport) => {
    transport.get("/text").reply("Grüße");
    transport.get("/frames").stream(["he", "llo", "!"]);
    transport.get("/script").reply(reply.script({ steps: ["data: a\n\n", "data: b\n\n"], gap: 10, jitter: 0.5 }));
    transport.get("/empty").reply(204);
    transport.get("/failing").error({ fault: "connectionReset" }, { delay: 5 });
  };
  const parts = transcripts.split(/^(?=chaos )/m).map((part) => {
    const [head, ...lines] = part.trimEnd().split("\n");
    const [, number, seed, json] = /^chaos (\d+) seed (\d+) (.*)$/.exec(head);
    return { number, seed: Number(seed), chaos: JSON.parse(json), lines };
  });

  for (const { number, seed, chaos, lines } of parts) {
    test(`chaos ${number}`, withTransport({ seed, chaos }, async (transport) => {
      prepare(transport);
      const told = [];
      for (const line of lines) told.push(await seen(transport, line.trim().split(" ")[0]));
      assert.deepEqual(told, lines);
    }));
  }

  test("the control: another seed is noticed", async () => {
    const { chaos, lines } = parts[3];
    const transport = new MockTransport({ seed: 94, chaos });
    prepare(transport);
    const told = [];
    for (const line of lines) told.push(await seen(transport, line.trim().split(" ")[0]));
    assert.notDeepEqual(told, lines);
    transport.dispose();
  });
});

describe("each damage does what it says", () => {
  /** The pieces of a damaged reply, how it ends, and what its length is said to be. */
  async function damaged(value, damage) {
    const transport = new MockTransport();
    transport.get("/a").reply(reply.damaged(value, damage));
    const told = (await seen(transport, "/a")).trim().split(", ");
    transport.dispose();
    const text = (line) => line.replace(/^\d+ /, "").replace(/^([\da-f]{2})+$/, (bytes) => Buffer.from(bytes, "hex").toString("latin1"));
    return [told[0].replace(/^\/a \d+ /, ""), ...told.slice(1).map(text)];
  }
  const two = reply.stream(["he", "llo"]);

  for (const [value, damage, ...expected] of [
    ["hello", { resetAt: 2 }, "200", "he", "ECONNRESET"],
    [two, { resetAt: 3 }, "200", "he", "l", "ECONNRESET"],
    [two, { resetAt: 0 }, "200", "ECONNRESET"],
    [two, { truncateAt: 3 }, "200", "he", "l", "end"],
    [two, { duplicateFrame: 1 }, "200", "he", "llo", "llo", "end"],
    [two, { duplicateFrame: 2 }, "200", "he", "llo", "end"],
    ["hello", "malformed", "200", "he\xfflo", "end"],
    [new Uint8Array([1, 0xff, 3]), "malformed", "200", "\x01\xff\x03", "end"],
    ["hello", { fault: "dnsFailure" }, "ENOTFOUND"],
    ["hello", { status: 503 }, "503", "end"],
    ["hello", { wrongLength: 10 }, "200 of 15", "hello", "UND_ERR_SOCKET"],
    [{ a: 1 }, { truncateAt: 4 }, "200", '{"a"', "end"],
    [201, { resetAt: 3 }, "201", "ECONNRESET"],
    [204, { resetAt: 3 }, "204", "end"],
    [reply.events(["a", "b"]), { duplicateFrame: 0 }, "200", "data: a\n\n", "data: a\n\n", "data: b\n\n", "end"],
    [reply.error("EPIPE"), { status: 503 }, "503", "end"],
    [reply.error("EPIPE"), { fault: "timeout" }, "ETIMEDOUT"],
    [reply.error("EPIPE"), "malformed", "EPIPE"],
    ["hello", "noAnswer", "never"],
    [reply.error("EPIPE"), "noAnswer", "never"],
    [reply.never(), { status: 500 }, "500", "end"],
    [reply.damaged("hello", { duplicateFrame: 0 }), { resetAt: 7 }, "200", "hello", "he", "ECONNRESET"],
  ]) {
    test(`${JSON.stringify(damage)} to ${JSON.stringify(value)}: ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await damaged(value, damage), expected);
    });
  }

  test("to the time of the head, and of each piece", withTransport(async (transport) => {
    transport.get("/late").reply(reply.damaged(reply.text("hello", { delay: 10 }), { late: 60 }));
    assert.equal(await (await transport.fetch("https://api.test/late")).text(), "hello");
    assert.equal(transport.now(), 70);
    transport.get("/drip").reply(reply.damaged("hello", { slowDrip: { bytes: 1, gap: 10 } }));
    assert.equal(await (await transport.fetch("https://api.test/drip")).text(), "hello");
    assert.equal(transport.now(), 120);
    transport.get("/failing").reply(reply.damaged(reply.error("EPIPE", { delay: 5 }), { late: 5 }));
    assert.equal((await failureOf(transport.fetch("https://api.test/failing"))).cause.code, "EPIPE");
    assert.equal(transport.now(), 130);
    transport.get("/fault").reply(reply.damaged(reply.text("hello", { delay: 7 }), { fault: "timeout" }));
    assert.equal((await failureOf(transport.fetch("https://api.test/fault"))).cause.code, "ETIMEDOUT");
    assert.equal(transport.now(), 137);
  }));

  test("to what a handler makes, and to templates; what others make is left alone", withTransport({ chaos: [{ share: 1, damage: { truncateAt: 4 } }] }, async (transport) => {
    transport.get("/users/:id").template("user {{param.id}}");
    transport.get("/handler").reply(async () => reply.json({ made: 1 }, { delay: 3 }));
    transport.get("/generated").stream(function* () {
      yield "made elsewhere";
    });
    transport.get("/passed").passthrough(async () => new Response("made elsewhere"));
    const text = async (path) => (await transport.fetch(`https://api.test${path}`)).text();
    assert.deepEqual([await text("/users/7"), await text("/handler"), await text("/generated"), await text("/passed")], ["user", '{"ma', "made elsewhere", "made elsewhere"]);
    assert.equal((await transport.fetch("https://api.test/handler", { method: "HEAD" }).catch((error) => error)).code, "MOCKWIRE_UNMATCHED");
  }));

  test("as platform responses, too", withTransport({ realResponse: true }, async (transport) => {
    transport.get("/a").reply(reply.damaged("hello", { resetAt: 2 }));
    const response = await transport.fetch(URL_TEXT);
    assert.equal(Object.getPrototypeOf(response), Response.prototype);
    const error = await failureOf(response.text());
    assert.deepEqual([error.message, error.cause.code], ["terminated", "ECONNRESET"]);
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["failed", 2]);
  }));

  test("what makes no sense is refused", () => {
    for (const damage of [
      undefined, null, {}, "broken", { explode: 1 }, { resetAt: -1 }, { resetAt: "3" }, { status: 99 }, { status: 600 }, { fault: "ECONNRESET" },
      { slowDrip: { bytes: 0, gap: 1 } }, { slowDrip: { bytes: 1 } }, { slowDrip: 3 }, { late: Infinity },
    ]) {
      assert.throws(() => reply.damaged("hello", damage), InvalidReplyError, JSON.stringify(damage));
      assert.throws(() => new MockTransport({ chaos: [{ share: 0.1, damage }] }), (error) => error instanceof InvalidReplyError || error instanceof InvalidArgumentError);
    }
  });
});

describe("chance", () => {
  const CHAOS = [{ share: 0.2, damage: { status: 503 } }, { share: 0.1, damage: { fault: "connectionReset" } }, { share: 0.1, damage: { truncateAt: 2 } }];

  async function outcomes(seed) {
    const transport = new MockTransport({ seed, chaos: CHAOS });
    transport.get("/a").reply("hello");
    const outcomes = [];
    for (let n = 0; n < 2000; n += 1) {
      outcomes.push(await transport.fetch(URL_TEXT).then(async (it) => `${it.status} ${await it.text()}`, (error) => error.cause.code));
    }
    transport.dispose();
    return outcomes;
  }

  test("keeps its shares, and repeats itself for the same seed", async () => {
    const first = await outcomes(1);
    assert.deepEqual(await outcomes(1), first);
    assert.notDeepEqual(await outcomes(2), first);
    const count = (wanted) => first.filter((it) => it === wanted).length;
    const isNear = (count, share) => assert.ok(Math.abs(count - 2000 * share) < 80, `${count} of 2000 for ${share}`);
    isNear(count("503 "), 0.2);
    isNear(count("ECONNRESET"), 0.1);
    isNear(count("200 he"), 0.1);
    assert.equal(count("503 ") + count("ECONNRESET") + count("200 he") + count("200 hello"), 2000);
  });

  test("of a rule's own stands in for that of the transport", withTransport({ chaos: [{ share: 1, damage: { status: 503 } }] }, async (transport) => {
    transport.get("/own").chaos([{ share: 1, damage: { status: 500 } }]).reply("hello");
    transport.get("/none").chaos([]).reply("hello");
    transport.get("/all").reply("hello");
    const status = async (path) => (await transport.fetch(`https://api.test/${path}`)).status;
    assert.deepEqual([await status("own"), await status("none"), await status("all")], [500, 200, 503]);
    assert.equal(transport.lastRequest().status, 503);
  }));

  test("leaves alone who opens a connection, and how a limit refuses", withTransport({ chaos: [{ share: 1, damage: { status: 503 } }] }, async (transport) => {
    transport.websocket("wss://api.test/chat").accept();
    await connected(transport, "wss://api.test/chat");
    transport.get("/a").rateLimit({ fixedWindow: 1, per: 1_000 }).reply("hello");
    assert.deepEqual([(await transport.fetch(URL_TEXT)).status, (await transport.fetch(URL_TEXT)).status], [503, 429]);
  }));

  test("has shares that make sense", withTransport((transport) => {
    const damage = "malformed";
    for (const chaos of [{}, "all", [1], [{ damage }], [{ share: "1", damage }]]) {
      assert.throws(() => new MockTransport({ chaos }), InvalidArgumentError, JSON.stringify(chaos));
      assert.throws(() => transport.get("/a").chaos(chaos), InvalidArgumentError);
    }
    for (const shares of [[1.1], [-0.1], [NaN], [0.6, 0.6]]) {
      const chaos = shares.map((share) => ({ share, damage }));
      assert.throws(() => new MockTransport({ chaos }), { code: "MOCKWIRE_INVALID_OPTION" }, String(shares));
      assert.throws(() => transport.get("/a").chaos(chaos).reply("hello"), { code: "MOCKWIRE_INVALID_OPTION" });
    }
  }));
});

describe("never", () => {
  test("is until the client gives up", withTransport(async (transport) => {
    transport.get("/a").reply(reply.never());
    const controller = new AbortController();
    const call = failureOf(transport.fetch(URL_TEXT, { signal: controller.signal }));
    await transport.sleep(1e9);
    assert.match(transport.pending()[0].what, /#1 GET https:\/\/api\.test\/a: no reply yet from GET \/a/);
    controller.abort();
    assert.equal((await call).name, "AbortError");
    assert.equal(transport.lastRequest().outcome, "cancelled");
  }));
});

describe("outages", () => {
  test("last as long as they say", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/a").reply("well");
    transport.outage("API.test", { from: 10, until: 20, fault: "dnsFailure" });
    transport.outage("api.test", { from: 30, until: 30.5, fault: "timeout" });
    const told = [];
    for (const time of [0, 9, 10, 19.9, 20, 29, 30, 31]) {
      await transport.advance(time - transport.now());
      told.push(await transport.fetch(URL_TEXT).then((it) => it.text(), (error) => error.cause.code));
      assert.equal(await (await transport.fetch("https://other.test/a")).text(), "well");
    }
    assert.deepEqual(told, ["well", "well", "ENOTFOUND", "ENOTFOUND", "well", "well", "ETIMEDOUT", "well"]);
    // All are captured; those that failed had no rule, so nothing was used up.
    const failed = transport.requests().filter(({ outcome }) => outcome === "failed");
    assert.deepEqual([transport.count(), failed.length, failed.every(({ rule }) => rule === undefined)], [16, 3, true]);
    transport.verify();
  }));

  test("look like the platform's, and say who was meant", withTransport(async (transport) => {
    transport.get("/a").reply("well");
    transport.outage("api.test");
    const error = await failureOf(transport.fetch("https://api.test:8443/a"));
    assert.ok(error instanceof TypeError);
    const { message, code, syscall, address, port, errno } = error.cause;
    assert.deepEqual([error.message, message, code, syscall, address, port, errno], ["fetch failed", "connect ECONNREFUSED api.test:8443", "ECONNREFUSED", "connect", "api.test", 8443, -111]);
    transport.restart("api.test");
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "well");
  }));

  test("begin while requests wait for their turn", withTransport({ timing: "manual", concurrency: { max: 1 } }, async (transport) => {
    const held = transport.get("/held").hold();
    transport.get("/a").reply("well");
    transport.outage("api.test", { from: 1_000, fault: "dnsFailure" });
    const first = transport.fetch("https://other.test/held");
    const waiting = failureOf(transport.fetch(URL_TEXT));
    await transport.advance(1_000);
    (await held.next()).reply(204);
    await first;
    assert.equal((await waiting).cause.code, "ENOTFOUND");
    assert.equal(transport.concurrency().inFlight, 0);
    assert.equal((await failureOf(transport.fetch(URL_TEXT))).cause.code, "ENOTFOUND");
    assert.equal(transport.concurrency().inFlight, 0);
  }));

  test("in real time", async () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const transport = new MockTransport({ timing: "real" });
    transport.get("/a").reply("well");
    transport.outage("api.test", { from: 1_000, until: 2_000 });
    const told = [];
    for (const milliseconds of [999, 1, 999, 1]) {
      mock.timers.tick(milliseconds);
      told.push(await transport.fetch(URL_TEXT).then((it) => it.text(), (error) => error.cause.code));
    }
    assert.deepEqual(told, ["well", "ECONNREFUSED", "ECONNREFUSED", "well"]);
    transport.dispose();
    mock.timers.reset();
  });

  test("of no host, or at no time, are refused", withTransport((transport) => {
    for (const host of ["", "https://api.test/", "api.test:443", 7, undefined]) {
      for (const method of ["outage", "kill", "restart"]) assert.throws(() => transport[method](host), InvalidArgumentError, `${method} ${host}`);
    }
    for (const outage of [null, { from: -1 }, { from: Infinity }, { until: "soon" }, { fault: "ECONNRESET" }]) {
      assert.throws(() => transport.outage("api.test", outage), InvalidArgumentError, JSON.stringify(outage));
    }
  }));
});

describe("a killed host", () => {
  test("fails what is going on, and refuses what comes, until it is started again", withTransport({ timing: "manual" }, async (transport) => {
    const rules = {
      stream: transport.get("/stream").stream(["a", "b", "c"], { gap: 10 }),
      late: transport.get("/late").reply(reply.text("late", { delay: 10 })),
      thinking: transport.get("/thinking").reply(() => new Promise(() => {})),
    };
    const held = transport.get("/held").hold();
    const response = await transport.fetch("https://api.test/stream");
    const reader = response.body.getReader();
    assert.equal(hex((await reader.read()).value), hex("a"));
    const calls = ["late", "thinking", "held"].map((path) => failureOf(transport.fetch(`https://api.test/${path}`)));
    const other = transport.fetch("https://other.test/late");
    const next = failureOf(reader.read());
    const request = await held.next();
    await settled();

    transport.kill("API.test");
    const broken = await next;
    assert.deepEqual([broken.constructor, broken.message, broken.cause.code, broken.cause.message], [TypeError, "terminated", "ECONNRESET", "read ECONNRESET"]);
    for (const error of await Promise.all(calls)) assert.deepEqual([error.constructor, error.message, error.cause.code], [TypeError, "fetch failed", "ECONNRESET"]);
    assert.equal(request.isWaiting, false);
    assert.throws(() => request.reply(200), /is over/);
    assert.equal((await failureOf(transport.fetch("https://api.test/late"))).cause.code, "ECONNREFUSED");
    await transport.advance(10);
    assert.equal(await (await other).text(), "late", "the other host knows nothing of it");

    transport.restart("api.test");
    const again = transport.fetch("https://api.test/late");
    await transport.advance(10);
    assert.equal(await (await again).text(), "late");

    // Nothing that was captured is lost.
    assert.deepEqual(transport.requests().map(({ outcome }) => outcome), ["failed", "failed", "failed", "failed", "done", "failed", "done"]);
    assert.deepEqual([transport.request(1).delivered, transport.request(1).error], [1, "TypeError: terminated"]);
    assert.deepEqual([rules.stream.calls, rules.late.calls, rules.thinking.calls, held.rule.calls], [1, 3, 1, 1]);
    assert.deepEqual(transport.pending(), []);
  }));

  test("cuts off a response that is on its way, however it is read", async () => {
    const readings = {
      text: (response) => response.text(),
      json: (response) => response.json(),
      body: (response) => response.body.getReader().read(),
      "a body that was asked for before": (_, body) => body.getReader().read(),
      clone: (response) => response.clone().arrayBuffer(),
    };
    for (const realResponse of [false, true]) {
      for (const [name, read] of Object.entries(readings)) {
        if (realResponse && name === "clone") continue;
        const transport = new MockTransport({ realResponse });
        transport.get("/a").reply('"well"');
        const response = await transport.fetch(URL_TEXT);
        const body = name === "a body that was asked for before" ? response.body : undefined;
        transport.kill("api.test");
        const error = await failureOf(read(response, body));
        assert.deepEqual([error.message, error.cause.code], ["terminated", "ECONNRESET"], name);
        assert.equal(transport.lastRequest().outcome, "failed");
        transport.restart("api.test");
        assert.equal(await (await transport.fetch(URL_TEXT)).text(), '"well"');
        transport.dispose();
      }
    }
  });

  test("leaves alone what is over, and what no rule answered", withTransport(async (transport) => {
    transport.get("/a").reply("well");
    const response = await transport.fetch(URL_TEXT);
    const copy = response.clone();
    assert.equal(await response.text(), "well");
    await failureOf(transport.fetch("https://api.test/unmatched"));
    transport.kill("api.test");
    assert.equal(await copy.text(), "well");
    assert.deepEqual(transport.requests().map(({ outcome }) => outcome), ["done", "unmatched"]);
  }));

  test("gives back what its exchanges held, and admits none of them", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    transport.get("/slow").hold();
    transport.get("/a").reply("well");
    const events = transport.permitEvents();
    const here = [1, 2].map(() => failureOf(transport.fetch("https://api.test/slow")));
    const there = transport.fetch("https://other.test/a");
    await settled();
    transport.kill("api.test");
    for (const call of here) assert.equal((await call).cause.code, "ECONNRESET");
    assert.equal(await (await there).text(), "well");
    const { inFlight, waiting, peak } = transport.concurrency();
    assert.deepEqual([inFlight, waiting, peak], [0, 0, 1]);
    assert.deepEqual(events.drain().map(({ sequence, kind }) => `${sequence} ${kind}`), [
      "1 acquired", "2 waiting", "3 waiting", "2 abandoned", "1 released", "3 acquired", "3 released",
    ]);
  }));

  test("ends its connections with 1006", async () => {
    const servers = { script: { steps: ["echo"] }, handler: (socket) => (socket.onmessage = (message) => socket.send(message)), hand: undefined };
    for (const [name, server] of Object.entries(servers)) {
      const transport = new MockTransport();
      const endpoint = transport.websocket("wss://api.test/chat").accept(server);
      const socket = await connected(transport, "wss://api.test/chat");
      const history = historyOf(socket);
      transport.kill("api.test");
      const { error } = await eventOf(socket, "error");
      assert.equal(error.cause.code, "ECONNRESET", name);
      const { code, wasClean } = await eventOf(socket, "close");
      assert.deepEqual([code, wasClean, history], [1006, false, ["error", "close 1006 unclean"]]);
      assert.equal(endpoint.connections.length, 0);
      assert.equal(transport.lastRequest().outcome, "failed");
      const refused = new transport.WebSocket("wss://api.test/chat");
      assert.equal((await eventOf(refused, "error")).error.cause.code, "ECONNREFUSED");
      transport.restart("api.test");
      await connected(transport, "wss://api.test/chat");
      transport.dispose();
    }
  });
});
