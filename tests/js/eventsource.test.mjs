/**
 * An `EventSource` that others wrote, unmodified but for its `fetch`: what it does when a stream ends,
 * breaks or is refused. It pauses with `setTimeout`, which is the test's here, so nobody waits.
 */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { EventSource } from "eventsource";
import { MockTransport, reply } from "mockwire";
import { settled } from "./support.mjs";

const URL_TEXT = "https://api.test/events";
const FOR_EVER = 1_000_000_000;
const { CONNECTING, OPEN, CLOSED } = EventSource;

/** One that is over at the end of the test, whatever happened. */
function connect(transport, names = []) {
  const source = new EventSource(URL_TEXT, { fetch: transport.fetch });
  const log = [];
  source.addEventListener("open", () => log.push("open"));
  source.addEventListener("error", ({ code, message, data }) => log.push(data === undefined ? `error ${code ?? message ?? ""}`.trim() : `error event ${data}`));
  for (const name of ["message", ...names]) source.addEventListener(name, ({ type, data, lastEventId }) => log.push(`${type} ${data}${lastEventId && ` #${lastEventId}`}`));
  return { source, log };
}

/** What needs no timer has happened. */
async function quiet() {
  for (let turn = 0; turn < 20; turn += 1) await settled();
}

/** The timers of the client go on by so much. */
async function tick(milliseconds) {
  mock.timers.tick(milliseconds);
  await quiet();
}

/** Events from here on, for a client that has had those before. */
function resuming(events, options) {
  return (request) => {
    const last = request.headers.get("last-event-id");
    const from = last === null ? 0 : events.findIndex(({ id }) => id === last) + 1;
    return from === events.length ? reply.empty(204) : reply.events(events.slice(from), options(from));
  };
}

const lastIds = (transport) => transport.requests().map(({ headers }) => headers.get("last-event-id"));

function scenario(options, body) {
  if (typeof options === "function") return scenario({}, options);
  return async () => {
    const transport = new MockTransport(options);
    const opened = [];
    try {
      await body(transport, (names) => {
        const made = connect(transport, names);
        opened.push(made.source);
        return made;
      });
    } finally {
      for (const source of opened) source.close();
      transport.dispose();
    }
  };
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

describe("a stream that ends: the client comes back", () => {
  test("after the pause that it was told, with the last id, for the rest; 204 stops it", scenario(async (transport, open) => {
    const events = ["1", "2", "3"].map((id) => ({ id, data: `no ${id}`, retry: 5000 }));
    transport.get(URL_TEXT).header("accept", "text/event-stream").reply((request) => {
      const last = request.headers.get("last-event-id");
      const at = last === null ? 0 : Number(last);
      return at === events.length ? reply.empty(204) : reply.events([events[at]]);
    });
    const { source, log } = open();
    await quiet();
    assert.deepEqual(log.splice(0), ["open", "message no 1 #1", "error"]);
    assert.equal(source.readyState, CONNECTING);
    for (const [id, before] of [["2", 1], ["3", 2]]) {
      await tick(4999);
      assert.deepEqual([log, transport.count()], [[], before]);
      await tick(1);
      assert.deepEqual(log.splice(0), ["open", `message no ${id} #${id}`, "error"]);
    }
    await tick(5000);
    assert.deepEqual([log, source.readyState], [["error 204"], CLOSED]);
    await tick(FOR_EVER);
    assert.deepEqual(lastIds(transport), [null, "1", "2", "3"]);
    assert.deepEqual(transport.requests().map(({ outcome, status }) => [outcome, status]), [["done", 200], ["done", 200], ["done", 200], ["done", 204]]);
    assert.deepEqual(transport.pending(), []);
    transport.verify();
  }));

  test("after its own three seconds, and without an id, when it was told neither", scenario(async (transport, open) => {
    transport.get(URL_TEXT).replySequence([reply.events(["one"]), reply.events(["two"])]);
    const { log } = open();
    await quiet();
    await tick(2999);
    assert.equal(transport.count(), 1);
    await tick(1);
    assert.deepEqual(log, ["open", "message one", "error", "open", "message two", "error"]);
    assert.deepEqual(lastIds(transport), [null, null]);
  }));

  test("an id stays until another comes, an empty one takes it back, and `retry` counts alone", scenario(async (transport, open) => {
    transport.get(URL_TEXT).replySequence([
      reply.events([{ id: "ü", data: "a" }, { data: "b" }, { retry: 10 }]),
      reply.events([{ comment: "nothing new" }]),
      reply.events([{ id: "", data: "c" }]),
      reply.empty(204),
    ]);
    open();
    await quiet();
    for (let n = 0; n < 3; n += 1) await tick(10);
    // The client writes the id as header fields are written, one byte for a character.
    assert.deepEqual(lastIds(transport), [null, "ü", "ü", null]);
  }));

  test("half an event at the end is not shown", scenario(async (transport, open) => {
    transport.get(URL_TEXT).replySequence([reply.script({ steps: [{ event: { data: "whole" } }, "data: half"] }), reply.empty(204)]);
    const { log } = open();
    await quiet();
    await tick(3000);
    assert.deepEqual(log, ["open", "message whole", "error", "error 204"]);
  }));
});

describe("a stream that breaks: the client comes back", () => {
  const events = ["a", "ü", "c", "d"].map((id, at) => ({ id: String(at), event: "delta", data: `text ${id}`, retry: 700 }));
  const wire = events.map(({ id, event, data }) => `event: ${event}\nid: ${id}\nretry: 700\ndata: ${data}\n\n`);
  const first = Buffer.byteLength(wire[0]);

  const breaks = async (transport, open, cutAt, end, code) => {
    transport.get(URL_TEXT).reply(resuming(events, (from) => (from === 0 ? { cutAt, end } : {})));
    const { log } = open(["delta"]);
    await quiet();
    assert.deepEqual(log, ["open", "delta text a #0", `error TypeError: terminated: read ${code}`]);
    await tick(699);
    assert.equal(transport.count(), 1);
    await tick(1);
    await tick(700);
    assert.deepEqual(log.slice(3), ["open", "delta text ü #1", "delta text c #2", "delta text d #3", "error", "error 204"]);
    assert.deepEqual(lastIds(transport), [null, "0", "3"]);
    assert.deepEqual(transport.requests().map(({ outcome, delivered }) => [outcome, delivered])[0], ["failed", cutAt]);
    assert.deepEqual(transport.pending(), []);
  };

  // In each byte of the second event, the character of two bytes among them.
  for (let cutAt = first; cutAt < first + Buffer.byteLength(wire[1]); cutAt += 1) {
    test(`reset after ${cutAt} bytes: no event is lost, and none comes twice`, scenario((transport, open) => breaks(transport, open, cutAt, "reset", "ECONNRESET")));
  }

  test("a timeout of the connection", scenario((transport, open) => breaks(transport, open, first, { fault: "timeout" }, "ETIMEDOUT")));

  test("a connection that is refused, again and again", scenario(async (transport, open) => {
    transport.get(URL_TEXT).retry(3, reply.error("ECONNREFUSED"), reply.events(["at last"]));
    const { source, log } = open();
    await quiet();
    for (let n = 0; n < 3; n += 1) {
      assert.equal(source.readyState, CONNECTING);
      await tick(3000);
    }
    assert.equal(log.length, 6);
    assert.equal(log[0], "error TypeError: fetch failed: connect ECONNREFUSED api.test:443");
    assert.deepEqual(log.slice(3), ["open", "message at last", "error"]);
  }));

  test("a request that no rule matches is one of them: the client tries for ever, and says why", scenario(async (transport, open) => {
    const { source, log } = open();
    await quiet();
    await tick(3000);
    assert.deepEqual([log.length, transport.count(), source.readyState], [2, 2, CONNECTING]);
    assert.match(log[0], /^error .*no rule matched GET https:\/\/api\.test\/events/s);
    assert.throws(() => transport.verify(), /no rule matched/);
  }));
});

describe("what ends it for good", () => {
  for (const [what, answer, said] of [
    ["an error status", () => reply.json({ error: "busy" }, { status: 503 }), "error 503"],
    ["429, whatever it says", () => reply.text("slow down", { status: 429, headers: { "retry-after": "1" } }), "error 429"],
    ["another type of content", () => reply.json({}), "error 200"],
    ["204", () => reply.empty(204), "error 204"],
  ]) {
    test(`${what}; its body is not read, and nobody hangs`, scenario(async (transport, open) => {
      transport.get(URL_TEXT).reply(answer());
      const { source, log } = open();
      await quiet();
      await tick(FOR_EVER);
      assert.deepEqual([log, source.readyState, transport.count()], [[said], CLOSED, 1]);
      assert.equal(transport.lastRequest().delivered, 0);
    }));
  }

  test("close(), in mid-stream", scenario({ timing: "manual" }, async (transport, open) => {
    const told = [];
    transport.get(URL_TEXT).reply(reply.events(async function* () {
      try {
        for (;;) {
          yield { id: "1", data: "tick" };
          await transport.sleep(1000);
        }
      } finally {
        told.push("left");
      }
    }));
    const { source, log } = open();
    await quiet();
    await transport.advance(1000);
    source.close();
    await transport.advance(1000);
    await tick(FOR_EVER);
    assert.deepEqual([log, source.readyState], [["open", "message tick #1", "message tick #1"], CLOSED]);
    const { outcome, delivered } = transport.lastRequest();
    assert.deepEqual([outcome, delivered, transport.count()], ["cancelled", 2 * "id: 1\ndata: tick\n\n".length, 1]);
    assert.deepEqual([told, transport.pending()], [["left"], []]);
  }));

  test("close(), in a stall", scenario(async (transport, open) => {
    transport.get(URL_TEXT).reply(reply.events(["one"], { end: "stall" }));
    const { source, log } = open();
    await quiet();
    await tick(FOR_EVER);
    assert.deepEqual([log, source.readyState], [["open", "message one"], OPEN], "no time ends it: this client has no timeout");
    assert.match(transport.pending().at(-1).what, /waits for nothing, because the script stalls/);
    source.close();
    await quiet();
    assert.deepEqual([transport.lastRequest().outcome, transport.pending()], ["cancelled", []]);
  }));

  test("close(), before the head", scenario(async (transport, open) => {
    const held = transport.get(URL_TEXT).hold();
    const { source, log } = open();
    await held.next();
    source.close();
    await quiet();
    await tick(FOR_EVER);
    assert.deepEqual([log, transport.count(), transport.lastRequest().outcome, transport.pending()], [[], 1, "cancelled", []]);
  }));

  test("close(), in the pause before it comes back", scenario(async (transport, open) => {
    transport.get(URL_TEXT).reply(reply.events(["one"]));
    const { source } = open();
    await quiet();
    source.close();
    await tick(FOR_EVER);
    assert.equal(transport.count(), 1);
  }));
});

describe("a stream that goes on", () => {
  test("an event named `error` looks to its listeners like a connection that broke, but is none", scenario(async (transport, open) => {
    transport.get(URL_TEXT).reply(reply.events([{ event: "error", data: { type: "overloaded_error" } }, "and on"], { end: "stall" }));
    const { source, log } = open();
    await quiet();
    assert.deepEqual([log, source.readyState], [["open", 'error event {"type":"overloaded_error"}', "message and on"], OPEN]);
  }));

  test("a redirect is followed each time, and events have the origin of its end", scenario(async (transport, open) => {
    transport.get(URL_TEXT).redirect("https://other.test/events", 307);
    transport.get("https://other.test/events").reply(reply.events([{ id: "7", data: "one" }]));
    const { source } = open();
    const origins = [];
    source.addEventListener("message", ({ origin }) => origins.push(origin));
    await quiet();
    await tick(3000);
    assert.deepEqual(origins, ["https://other.test", "https://other.test"]);
    assert.deepEqual(transport.requests().map(({ url }) => new URL(url).host), ["api.test", "other.test", "api.test", "other.test"]);
    assert.deepEqual(lastIds(transport), [null, null, "7", "7"]);
  }));

  test("cut anywhere, with a byte order mark, on each connection anew", scenario(async (transport, open) => {
    const script = { steps: ["\ufeff", { event: { retry: 1, data: "Grüße\n世界" } }], lineEnding: "crlf" };
    const length = Buffer.byteLength("\ufeffretry: 1\r\ndata: Grüße\r\ndata: 世界\r\n\r\n");
    transport.get(URL_TEXT).reply(() => (transport.count() > length ? reply.empty(204) : reply.script({ ...script, chunking: { sizes: [transport.count(), 1000] } })));
    const { log } = open();
    await quiet();
    for (let n = 0; n < length; n += 1) await tick(1);
    assert.deepEqual(log.filter((it) => it.startsWith("message")), Array(length).fill("message Grüße\n世界"));
    assert.equal(log.at(-1), "error 204");
  }));

  test("in real time, which is the timers': the client's pause and the stream's are on one clock", scenario({ timing: "real" }, async (transport, open) => {
    transport.get(URL_TEXT).reply(reply.events([{ id: "1", data: "one", retry: 250 }, { data: "two" }], { gap: 1000 }));
    const { log } = open();
    await quiet();
    const steps = [];
    for (const milliseconds of [999, 1, 249, 1, 999, 1]) {
      await tick(milliseconds);
      steps.push([log.filter((it) => it.startsWith("message")).length, transport.count()]);
    }
    assert.deepEqual(steps, [[1, 1], [2, 1], [2, 1], [3, 2], [3, 2], [4, 2]]);
    assert.deepEqual(lastIds(transport), [null, "1"]);
  }));
});
