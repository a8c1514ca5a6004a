/** What happened on a transport, and when: as data, as an archive, as a trace and as a picture. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { har as checkedHar } from "har-validator/lib/promise.js";
import { DisposedError, InvalidArgumentError, MockTransport, reply } from "mockwire";
import { chromeTrace, har, retries, waterfall } from "mockwire/timeline";
import { chunksOf, eventOf, failureOf, settled, withTransport } from "./support.mjs";

const API = "https://api.test";
const read = async (response) => (await response).text();
const frames = (entry) => entry.frames?.map(({ at, bytes }) => [at, bytes]);
const ended = ({ end }) => [end.at, end.outcome, end.cause, end.code];

describe("an exchange", () => {
  test("that is plain happens on one tick", withTransport({ timing: "manual" }, async (transport) => {
    transport.post(`${API}/v1`).reply(reply.text("hello", { headers: { "x-id": "7" } }));
    await transport.advance(30);
    await read(transport.fetch(`${API}/v1`, { method: "POST", body: "ask" }));
    await transport.advance(5);
    const { entries, now, outages, droppedEntries } = transport.timeline();
    assert.deepEqual([entries.length, now, outages, droppedEntries], [1, 35, [], undefined]);
    const [{ sequence, received, matched, head, end, bytes, request, ...rest }] = entries;
    assert.deepEqual([sequence, received, end, bytes], [1, 30, { at: 30, outcome: "done" }, 5]);
    assert.deepEqual([matched.at, matched.rule], [30, "POST https://api.test/v1"]);
    assert.match(matched.site, /timeline\.test\.mjs:\d+:\d+$/);
    assert.deepEqual([head.at, head.status, new Map(head.headers).get("x-id")], [30, 200, "7"]);
    assert.deepEqual(rest, { frames: [{ at: 30, bytes: 5 }] });
    assert.deepEqual([request.method, request.url, request.bytes], ["POST", `${API}/v1`, 3]);
    assert.equal(transport.epoch.toISOString(), "2025-01-01T00:00:00.000Z");
    assert.equal(transport.timeline().epoch, transport.epoch.valueOf());
  }));

  test("that goes on has no end yet", withTransport(async (transport) => {
    transport.get("/").reply("ok");
    transport.get("/held").hold();
    await transport.fetch(`${API}/`);
    const waiting = transport.fetch(`${API}/held`);
    const [open, held] = transport.timeline().entries;
    assert.deepEqual([open.head.at, open.frames, open.bytes, open.end], [0, undefined, undefined, undefined]);
    assert.deepEqual([held.matched.at, held.head, held.end], [0, undefined, undefined]);
    transport.reset();
    await assert.rejects(waiting, DisposedError);
  }));

  test("whose reply is late, and comes in pieces, in its own time", withTransport(async (transport) => {
    transport.get("/").reply(reply.script({ steps: ["one", { wait: 15 }, "three"] }, { delay: 40 }));
    assert.equal(await read(transport.fetch(`${API}/`)), "onethree");
    const [entry] = transport.timeline().entries;
    assert.deepEqual([entry.matched.at, entry.head.at, frames(entry)], [0, 40, [[40, 3], [55, 5]]]);
    assert.deepEqual([ended(entry), entry.bytes], [[55, "done", undefined, undefined], 8]);
  }));

  test("that its client gives up", withTransport(async (transport) => {
    transport.get("/").reply(reply.stream(["one", "two"]));
    transport.get("/late").reply(reply.text("late", { delay: 50 }));
    const response = await transport.fetch(`${API}/`);
    await transport.sleep(7);
    await response.body.cancel();
    await failureOf(transport.fetch(`${API}/late`, { signal: AbortSignal.abort() }));
    const controller = new AbortController();
    const aborted = transport.fetch(`${API}/late`, { signal: controller.signal });
    controller.abort();
    await failureOf(aborted);
    const [cancelled, late, ...others] = transport.timeline().entries;
    assert.deepEqual(ended(cancelled), [7, "cancelled", "client", undefined]);
    // What was aborted before it was sent has never arrived.
    assert.deepEqual([late.head, ended(late), others], [undefined, [7, "cancelled", "client", undefined], []]);
  }));

  test("that fails, and why", withTransport(async (transport) => {
    transport.get("/fault").reply(reply.error("ECONNREFUSED", { delay: 5 }));
    transport.get("/reset").reply(reply.script({ steps: ["one", { wait: 10 }], end: "reset" }));
    transport.get("/handler").reply(() => {
      throw new Error("no");
    });
    transport.get("/once").replySequence(["ok"]);
    for (const path of ["/fault", "/reset", "/handler", "/once", "/once", "/nowhere"]) {
      await read(transport.fetch(API + path)).catch(() => {});
    }
    const [fault, reset, handler, , exhausted, nowhere] = transport.timeline().entries;
    assert.deepEqual([ended(fault), fault.head], [[5, "failed", "fault", "ECONNREFUSED"], undefined]);
    assert.deepEqual([ended(reset), reset.bytes], [[15, "failed", "fault", "ECONNRESET"], 3]);
    assert.deepEqual(ended(handler), [15, "failed", "handler", "MOCKWIRE_HANDLER_FAILED"]);
    assert.match(handler.end.message, /HandlerError: .* no$/);
    assert.deepEqual(ended(exhausted), [15, "failed", "transport", "MOCKWIRE_SEQUENCE_EXHAUSTED"]);
    assert.deepEqual([ended(nowhere), nowhere.matched], [[15, "unmatched", undefined, undefined], undefined]);
  }));

  test("of a WebSocket, with what both ends have said", withTransport(async (transport) => {
    transport.websocket("wss://api.test/chat").accept((socket) => {
      socket.onmessage = (text) => socket.send(`${text}!`);
    });
    const socket = new transport.WebSocket("wss://api.test/chat");
    await eventOf(socket, "open");
    socket.send("hi");
    await eventOf(socket, "message");
    socket.close(1000, "bye");
    await eventOf(socket, "close");
    const [entry] = transport.timeline({ bodies: true }).entries;
    assert.deepEqual([entry.head.status, entry.frames, entry.bytes], [101, undefined, 3]);
    assert.deepEqual(entry.messages.map(({ from, kind, bytes, body }) => [from, kind, bytes, body?.text]), [
      ["client", "text", 2, "hi"],
      ["server", "text", 3, "hi!"],
      ["client", "close", undefined, undefined],
      ["server", "close", undefined, undefined],
    ]);
    assert.equal(entry.end.outcome, "done");
  }));
});

test("a WebSocket whose handler fails says so, also when the connection is over", withTransport(async (transport) => {
  const fail = () => {
    throw new RangeError("no");
  };
  transport.websocket("wss://api.test/up").accept((socket) => (socket.onmessage = fail));
  transport.websocket("wss://api.test/over").accept((socket) => (socket.onclose = fail));
  const [up, over] = ["up", "over"].map((path) => new transport.WebSocket(`wss://api.test/${path}`));
  await Promise.all([eventOf(up, "open"), eventOf(over, "open")]);
  up.send("hi");
  over.close();
  await Promise.all([eventOf(up, "close"), eventOf(over, "close")]);
  await settled();
  for (const { end } of transport.timeline().entries) {
    assert.deepEqual([end.outcome, end.cause, end.code], ["failed", "handler", "MOCKWIRE_HANDLER_FAILED"]);
    assert.match(end.message, /RangeError: no/);
  }
}));

describe("limits and hosts", () => {
  test("where a request waited, for which limit, and how long", withTransport({ concurrency: { perHost: 1, max: 2 } }, async (transport) => {
    transport.otherwise().reply(reply.text("ok", { delay: 10 }));
    const urls = ["https://a.test/", "https://a.test/", "https://b.test/", "https://c.test/"];
    await Promise.all(urls.map((url) => read(transport.fetch(url))));
    const { entries } = transport.timeline();
    assert.deepEqual(entries.map(({ queued }) => queued), [
      undefined,
      { limit: { key: "a.test" }, acquired: 10 },
      undefined,
      { limit: "total", acquired: 10 },
    ]);
    assert.deepEqual(entries.map(({ matched, head }) => [matched.at, head.at]), [[0, 10], [10, 20], [0, 10], [10, 20]]);
  }));

  test("which limit has refused a request", withTransport({ concurrency: { max: 1, maxWaiting: 0 } }, async (transport) => {
    transport.get("/").rateLimit({ fixedWindow: 1, per: 1000 }).reply("ok");
    for (let n = 0; n < 2; n += 1) await read(transport.fetch(`${API}/`));
    await transport.fetch(`${API}/nowhere`).catch(() => {});
    transport.get("/held").hold();
    transport.fetch(`${API}/held`).catch(() => {});
    await failureOf(transport.fetch(`${API}/`));
    const [first, second, , , full] = transport.timeline().entries;
    assert.equal(first.refused, undefined);
    assert.match(second.refused, /1 request/);
    assert.deepEqual([second.head.status, second.end.outcome], [429, "done"]);
    assert.deepEqual(ended(full), [0, "failed", "queueFull", "MOCKWIRE_QUEUE_FULL"]);
  }));

  test("when a host was down, what that ended, and when it answered again", withTransport(async (transport) => {
    transport.otherwise().reply("ok");
    const open = await transport.fetch("https://a.test/");
    await transport.sleep(5);
    transport.kill("A.test");
    await failureOf(open.text());
    await failureOf(transport.fetch("https://a.test/"));
    await transport.sleep(20);
    transport.restart("a.test");
    await transport.sleep(3);
    await read(transport.fetch("https://a.test/"));
    transport.outage("b.test", { from: 30, until: 40, fault: "dnsFailure" });
    await transport.advance(7);
    await failureOf(transport.fetch("https://b.test/"));
    const { entries, outages } = transport.timeline();
    assert.deepEqual(outages, [
      { host: "a.test", from: 5, until: 25, killed: true, code: "ECONNREFUSED", answered: 28 },
      { host: "b.test", from: 30, code: "ENOTFOUND" },
    ]);
    assert.deepEqual(entries.map(ended), [
      [5, "failed", "killed", "ECONNRESET"],
      [5, "failed", "outage", "ECONNREFUSED"],
      [28, "done", undefined, undefined],
      [35, "failed", "outage", "ENOTFOUND"],
    ]);
  }));
});

describe("what a timeline tells", () => {
  test("bodies where they are asked for; secrets never", withTransport({ redact: ["x-own"] }, async (transport) => {
    transport.post("/").reply(new Uint8Array([0xff, 0]));
    const headers = { authorization: "Bearer hidden", "x-own": "hidden" };
    await (await transport.fetch(`${API}/`, { method: "POST", body: "ask", headers })).bytes();
    const [plain] = transport.timeline().entries;
    assert.deepEqual([plain.request.body, plain.body], [undefined, undefined]);
    const [full] = transport.timeline({ bodies: true }).entries;
    assert.deepEqual([full.request.body, full.body], [{ text: "ask" }, { base64: "/wA=" }]);
    assert.ok(!JSON.stringify(transport.timeline({ bodies: true })).includes("hidden"));
  }));

  test("no more than is kept, and how much was dropped", withTransport({ journal: { requests: 2, bodyBytes: 4 } }, async (transport) => {
    transport.post("/").reply("ok");
    transport.get("/many").reply(reply.stream(function* () { for (let n = 0; n < 1100; n += 1) yield "x"; }));
    for (let n = 0; n < 3; n += 1) await read(transport.fetch(`${API}/`, { method: "POST", body: "too long" }));
    await chunksOf((await transport.fetch(`${API}/many`)).body);
    const { entries, droppedEntries } = transport.timeline({ bodies: true });
    assert.deepEqual([entries.length, droppedEntries], [2, 2]);
    assert.deepEqual([entries[0].request.bytes, entries[0].request.body], [8, { text: "too " }]);
    assert.deepEqual([entries[1].frames.length, entries[1].droppedFrames, entries[1].bytes], [1024, 76, 1100]);
    transport.clear();
    assert.deepEqual(transport.timeline().entries, []);
  }));

  test("rules that are gone, too", withTransport(async (transport) => {
    const rule = transport.get("/").header("x-a", "1").reply("ok");
    await read(transport.fetch(`${API}/`, { headers: { "x-a": "1" } }));
    const { site } = transport.timeline().entries[0].matched;
    rule.remove();
    const [{ matched }] = transport.timeline().entries;
    assert.equal(matched.site, site);
    assert.match(matched.rule, /^GET \//);
  }));

  test("nothing, with an option that there is not", withTransport(async (transport) => {
    assert.throws(() => transport.timeline({ body: true }), InvalidArgumentError);
  }));

  test("nothing after dispose", withTransport(async (transport) => {
    transport.dispose();
    assert.throws(() => transport.timeline(), DisposedError);
  }));
});

/** One run in which everything happens: the same as in tests/behaviour/timeline_golden.rs. */
async function played(transport) {
  const text = (body, init) => reply.text(body, { headers: { "content-type": "text/plain" }, ...init });
  const frames = { steps: ["one", "three"], gap: 10 };
  transport.post("/plain").reply(text("plain"));
  transport.get("/late").reply(text("late", { delay: 40 }));
  transport.get("/stream").reply(reply.script(frames));
  transport.get("/reset").reply(reply.script({ ...frames, end: "reset" }));
  transport.get("/fault").reply(reply.error("UND_ERR_CONNECT_TIMEOUT", { delay: 5 }));
  transport.get("/limited").rateLimit({ fixedWindow: 1, per: 90 }).reply(reply.empty());
  const get = (path) => transport.fetch(API + path);
  const plain = () => {
    // A body without a type of its own.
    const body = new TextEncoder().encode("ask");
    return read(transport.fetch(`${API}/plain`, { method: "POST", body, headers: { authorization: "Bearer secret" } }));
  };
  await plain();
  await Promise.all([1, 2, 3].map(() => read(get("/late"))));
  await read(get("/stream"));
  await failureOf(read(get("/reset")));
  await failureOf(get("/fault"));
  await failureOf(get("/nowhere"));
  for (let n = 0; n < 2; n += 1) await (await get("/limited")).body?.cancel();
  await (await get("/stream")).body.cancel();
  transport.kill("api.test");
  await failureOf(plain());
  await transport.advance(100);
  transport.restart("api.test");
  await plain();
  await (await get("/late")).body.cancel();
}

const limited = { concurrency: { max: 2 } };

test("a timeline is the same as the Rust crate's", withTransport(limited, async (transport) => {
  await played(transport);
  const timeline = transport.timeline();
  for (const { matched, head } of timeline.entries) {
    if (matched !== undefined) matched.site = "";
    // The platform's way to write it, where the text is the transport's own.
    for (const field of head?.headers ?? []) field[1] = field[1].replace(";charset=UTF-8", "; charset=utf-8");
  }
  const expected = JSON.parse(readFileSync(new URL("../behaviour/timeline.json", import.meta.url), "utf8"));
  assert.deepEqual(JSON.parse(JSON.stringify(timeline)), expected);
}));

describe("made of a timeline", () => {
  test("an HTTP archive, which a reader of such archives takes", withTransport(limited, async (transport) => {
    await played(transport);
    const archive = JSON.parse(har(transport.timeline({ bodies: true })));
    await checkedHar(archive);
    const { entries } = archive.log;
    assert.equal(entries[0].response.content.text, "plain");
    assert.equal(entries[2].time, 40);
    assert.ok(!JSON.stringify(archive).includes("secret"));
    // The control: the reader finds what is wrong.
    delete entries[0].request.method;
    await assert.rejects(checkedHar(archive));
  }));

  test("a trace, whose spans are closed", withTransport(limited, async (transport) => {
    await played(transport);
    const timeline = transport.timeline();
    const { traceEvents } = JSON.parse(chromeTrace(timeline));
    assert.ok(traceEvents.length > timeline.entries.length);
    for (const { ph, ts, dur } of traceEvents) if (ph === "X") assert.ok(ts >= 0 && dur >= 0);
    const count = (phase) => traceEvents.filter(({ ph }) => ph === phase).length;
    assert.equal(count("B"), count("E"));
  }));

  test("a picture, with a lane for each exchange", withTransport(limited, async (transport) => {
    await played(transport);
    const timeline = transport.timeline();
    const picture = waterfall(timeline);
    assert.match(picture, /^<svg [^]*<\/svg>\s*$/);
    for (const path of ["/plain", "/late", "/stream", "/reset", "/nowhere"]) assert.ok(picture.includes(path), path);
    assert.ok(!picture.includes("<script"));
  }));

  test("its retries", withTransport(async (transport) => {
    transport.post("/").replySequence([503, "ok"]);
    const send = () => read(transport.fetch(`${API}/`, { method: "POST", body: "1" }));
    await send();
    await transport.sleep(250);
    await send();
    assert.deepEqual(retries(transport.timeline()), [{ sequence: 2, of: 1, attempt: 2, delay: 250 }]);
  }));

  test("nothing, of what is no timeline", () => {
    for (const wrong of [undefined, null, {}, "text", { epoch: 0, now: 0, entries: [{}], outages: [] }]) {
      for (const make of [har, chromeTrace, waterfall, retries]) {
        assert.throws(() => make(wrong), (error) => {
          assert.ok(error instanceof InvalidArgumentError);
          assert.match(error.message, new RegExp(`^${make.name}\\(\\) takes what transport\\.timeline\\(\\) gives: `));
          return true;
        });
      }
    }
  });

  test("of an empty one, as well", withTransport(async (transport) => {
    await settled();
    const timeline = transport.timeline();
    await checkedHar(JSON.parse(har(timeline)));
    assert.match(waterfall(timeline), /^<svg /);
    assert.deepEqual(retries(timeline), []);
  }));
});
