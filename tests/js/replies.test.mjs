/** What rules answer with. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HandlerError, MockTransport, reply, SequenceExhaustedError, StaleHandleError } from "mockwire";
import { chunksOf, failureOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/a";

describe("values", () => {
  for (const [name, make, status, type, body] of [
    ["a status", (t) => t.get("/a").reply(503), 503, null, ""],
    ["a text", (t) => t.get("/a").reply("hello"), 200, "text/plain;charset=UTF-8", "hello"],
    ["an object", (t) => t.get("/a").reply({ a: 1 }), 200, "application/json", '{"a":1}'],
    ["an array", (t) => t.get("/a").reply([1]), 200, "application/json", "[1]"],
    ["bytes", (t) => t.get("/a").reply(new Uint8Array([104, 105])), 200, null, "hi"],
    ["an ArrayBuffer", (t) => t.get("/a").reply(new Uint8Array([104, 105]).buffer), 200, null, "hi"],
    ["null", (t) => t.get("/a").reply(null), 200, null, ""],
    ["a status and a text", (t) => t.get("/a").reply(404, "nope"), 404, "text/plain;charset=UTF-8", "nope"],
    ["a status and JSON", (t) => t.get("/a").reply(201, { id: 1 }), 201, "application/json", '{"id":1}'],
    ["a number as JSON", (t) => t.get("/a").reply(200, 42), 200, "application/json", "42"],
    ["false as JSON", (t) => t.get("/a").reply(200, false), 200, "application/json", "false"],
    ["a header that replaces the usual one", (t) => t.get("/a").reply(200, "<p>", { "Content-Type": "text/html" }), 200, "text/html", "<p>"],
    ["a Blob", (t) => t.get("/a").reply(200, new Blob(["hi"], { type: "text/x" })), 200, "text/x", "hi"],
    ["a platform stream", (t) => t.get("/a").reply(200, new Blob(["hi"]).stream()), 200, null, "hi"],
    ["a Response", (t) => t.get("/a").reply(new Response("hi", { status: 418, headers: { "content-type": "a/b" } })), 418, "a/b", "hi"],
    ["Response.json()", (t) => t.get("/a").reply(Response.json([1])), 200, "application/json", "[1]"],
    ["a Reply", (t) => t.get("/a").reply(reply.json({ a: 1 }, { status: 202 })), 202, "application/json", '{"a":1}'],
    ["reply.empty", (t) => t.get("/a").reply(reply.empty()), 204, null, ""],
    ["reply.bytes", (t) => t.get("/a").reply(reply.bytes(new Uint8Array([33]))), 200, null, "!"],
  ]) {
    test(name, withTransport(async (transport) => {
      make(transport);
      for (let round = 0; round < 2; round += 1) {
        const response = await transport.fetch(URL_TEXT);
        assert.deepEqual([response.status, response.headers.get("content-type"), await response.text()], [status, type, body]);
      }
      assert.deepEqual(transport.requests().map((it) => [it.outcome, it.status]), [["done", status], ["done", status]]);
    }));
  }

  test("a reply is made when the rule is: later changes of the value do not show", withTransport(async (transport) => {
    const value = { a: 1 };
    transport.get("/a").reply(value);
    value.a = 2;
    assert.deepEqual(await (await transport.fetch(URL_TEXT)).json(), { a: 1 });
  }));

  test("every json() is a value of its own", withTransport(async (transport) => {
    transport.get("/a").reply({ list: [] });
    (await (await transport.fetch(URL_TEXT)).json()).list.push("mine");
    assert.deepEqual(await (await transport.fetch(URL_TEXT)).json(), { list: [] });
  }));
});

describe("handlers", () => {
  for (const [name, handler] of [
    ["a value", () => ({ ok: true })],
    ["a promise of a value", async () => ({ ok: true })],
    ["a Response", () => Response.json({ ok: true })],
    ["a promise of a Response", async () => Response.json({ ok: true })],
    ["a Response with a stream", () => new Response(new Blob(['{"ok":true}']).stream())],
    ["a Reply", () => reply.json({ ok: true })],
    ["a stream", () => reply.stream(['{"ok":', "true}"])],
    ["the response of another fetch", async () => {
      const other = new MockTransport();
      other.get("*").reply({ ok: true });
      return other.fetch("https://other.test/");
    }],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.get("/a").reply(handler);
      const response = await transport.fetch(URL_TEXT);
      assert.deepEqual([response.status, await response.json()], [200, { ok: true }]);
      const captured = transport.lastRequest();
      assert.deepEqual([captured.outcome, captured.status, captured.delivered], ["done", 200, 11]);
    }));
  }

  test("a handler sees the request and the caller's signal", withTransport(async (transport) => {
    const { signal } = new AbortController();
    transport.post("/a").accepts().reply((request, context) => {
      assert.equal(context.signal, signal);
      return { method: request.method, url: request.url, body: request.json(), header: request.headers.get("x-a"), n: request.sequence };
    });
    const response = await transport.fetch(URL_TEXT, { method: "POST", body: '{"b":1}', headers: { "x-a": "1" }, signal });
    assert.deepEqual(await response.json(), { method: "POST", url: URL_TEXT, body: { b: 1 }, header: "1", n: 1 });
  }));

  test("a handler may use its own transport, and a slow one delays nobody else", withTransport(async (transport) => {
    let release;
    const slow = new Promise((resolve) => (release = resolve));
    transport.get("/slow").reply(async () => (await slow, "slow"));
    transport.get("/a").reply(async () => (await transport.fetch("https://api.test/b")).text());
    transport.get("/b").reply("from b");
    const waiting = transport.fetch("https://api.test/slow");
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "from b");
    release();
    assert.equal(await (await waiting).text(), "slow");
  }));

  for (const [name, handler, message] of [
    ["throws", () => { throw new Error("oops"); }, /failed: Error: oops/],
    ["rejects", async () => { throw new Error("oops"); }, /failed: Error: oops/],
    ["returns nothing", () => {}, /is a `return` missing/],
    ["returns an impossible status", () => 99, /from 200 to 599/],
    ["returns a used Response", async () => ((response) => response.text().then(() => response))(new Response("x")), /read already/],
  ]) {
    test(`a handler that ${name} fails the request, and is no unmatched one`, withTransport(async (transport) => {
      const rule = transport.get("/a").reply(handler);
      transport.get("/a").reply("never asked");
      const error = await failureOf(transport.fetch(URL_TEXT));
      assert.ok(error instanceof HandlerError, String(error));
      assert.equal(error.code, "MOCKWIRE_HANDLER_FAILED");
      assert.match(error.message, message);
      assert.match(error.message, /GET \/a/);
      assert.ok(error.cause instanceof Error);
      assert.deepEqual([transport.lastRequest().outcome, rule.calls], ["failed", 1]);
      assert.match(transport.lastRequest().error, /HandlerError/);
    }));
  }
});

describe("sequences", () => {
  test("one after the other, and then the next one fails", withTransport(async (transport) => {
    const rule = transport.get("/a").replySequence([503, "text", { a: 1 }, (request) => `${request.sequence}`, new Response("r")]);
    const texts = [];
    for (let n = 0; n < 5; n += 1) texts.push(await (await transport.fetch(URL_TEXT)).text());
    assert.deepEqual(texts, ["", "text", '{"a":1}', "4", "r"]);
    const error = await failureOf(transport.fetch(URL_TEXT));
    assert.ok(error instanceof SequenceExhaustedError);
    assert.equal(error.code, "MOCKWIRE_SEQUENCE_EXHAUSTED");
    assert.match(error.message, /replies\.test\.mjs:\d+:\d+/);
    assert.equal(rule.calls, 6);
  }));

  test("repeat and cycle", withTransport(async (transport) => {
    transport.get("/repeat").replySequence(["a", "b"], { end: "repeat" });
    transport.get("/cycle").replySequence(["a", "b"], { end: "cycle" });
    for (const [path, expected] of [["/repeat", "abbb"], ["/cycle", "abab"]]) {
      let seen = "";
      for (let n = 0; n < 4; n += 1) seen += await (await transport.fetch(`https://api.test${path}`)).text();
      assert.equal(seen, expected);
    }
  }));

  test("a retry: failures, then success for good", withTransport(async (transport) => {
    transport.get("/a").retry(2, reply.error("ECONNRESET"), { ok: true });
    assert.equal((await failureOf(transport.fetch(URL_TEXT))).cause.code, "ECONNRESET");
    assert.equal((await failureOf(transport.fetch(URL_TEXT))).cause.code, "ECONNRESET");
    assert.equal((await transport.fetch(URL_TEXT)).status, 200);
    assert.equal((await transport.fetch(URL_TEXT)).status, 200);
  }));

  test("each request takes its turn when it is made, not when it is answered", withTransport(async (transport) => {
    transport.get("/a").replySequence([async () => (await settled(), "first"), "second"]);
    const [first, second] = await Promise.all([transport.fetch(URL_TEXT), transport.fetch(URL_TEXT)]);
    assert.deepEqual([await first.text(), await second.text()], ["first", "second"]);
  }));
});

describe("how often", () => {
  test("a rule that is used up matches no more", withTransport(async (transport) => {
    transport.get("/a").once().reply("once");
    transport.get("/a").times({ max: 2 }).reply("twice");
    transport.get("/a").reply("for good");
    const texts = [];
    for (let n = 0; n < 5; n += 1) texts.push(await (await transport.fetch(URL_TEXT)).text());
    assert.deepEqual(texts, ["once", "twice", "twice", "for good", "for good"]);
  }));

  test("of many at once, exactly as many as there are turns", withTransport(async (transport) => {
    const rule = transport.get("/a").times(1).reply(200);
    transport.otherwise().reply(404);
    const statuses = await Promise.all(Array.from({ length: 64 }, async () => (await transport.fetch(URL_TEXT)).status));
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(rule.calls, 1);
  }));

  test("a scenario moves from state to state", withTransport(async (transport) => {
    transport.get("/a").inScenario("login").whenState("started").reply(401);
    transport.post("/login").inScenario("login").thenState("in").reply(204);
    transport.get("/a").inScenario("login").whenState("in").reply(200);
    assert.equal(transport.scenario("login"), "started");
    assert.equal((await transport.fetch(URL_TEXT)).status, 401);
    await transport.fetch("https://api.test/login", { method: "POST" });
    assert.equal(transport.scenario("login"), "in");
    assert.equal((await transport.fetch(URL_TEXT)).status, 200);
    transport.setScenario("login", "started");
    assert.equal((await transport.fetch(URL_TEXT)).status, 401);
  }));

  test("a rule that is removed matches no more, and its handle is stale", withTransport(async (transport) => {
    const rule = transport.get("/a").reply("rule");
    transport.get("/a").reply("next");
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "rule");
    rule.remove();
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "next");
    assert.deepEqual([rule.calls, rule.isActive], [1, false]);
    assert.throws(() => rule.remove(), StaleHandleError);
    rule[Symbol.dispose]();
    // Its number is given out again, to a reply of its own.
    transport.get("/b").reply("new");
    assert.equal(await (await transport.fetch("https://api.test/b")).text(), "new");
    assert.equal(transport.requests()[0].rule, rule);
  }));
});

describe("held", () => {
  test("a request waits until the test replies", withTransport(async (transport) => {
    const held = transport.post("/chat/:id").hold();
    const next = held.next();
    const response = transport.fetch("https://api.test/chat/7", { method: "POST", body: "hi" });
    const { request, isWaiting } = await next;
    assert.deepEqual([request.params.id, request.text(), request.outcome, isWaiting, held.waiting], ["7", "hi", "pending", true, 0]);
    const again = transport.fetch("https://api.test/chat/8", { method: "POST" });
    assert.equal(held.waiting, 1);
    (await held.next()).fail("ECONNREFUSED");
    assert.equal((await failureOf(again)).cause.code, "ECONNREFUSED");
    assert.equal(held.rule.calls, 2);
    await assert.rejects(Promise.race([response, Promise.reject(new Error("still waiting"))]), /still waiting/);
  }));

  test("in whatever order the test likes", withTransport(async (transport) => {
    const held = transport.get("/:n").hold();
    const responses = ["1", "2", "3"].map((n) => transport.fetch(`https://api.test/${n}`));
    const requests = [await held.next(), await held.next(), await held.next()];
    requests[2].reply(201, { n: 3 }, { "x-a": "1" });
    requests[0].reply("one");
    requests[1].reply(Response.json(2));
    const answers = await Promise.all(responses.map(async (it) => ((r) => r.text().then((text) => [r.status, text]))(await it)));
    assert.deepEqual(answers, [[200, "one"], [200, "2"], [201, '{"n":3}']]);
    assert.throws(() => requests[0].reply(200), StaleHandleError);
    assert.throws(() => requests[0].fail(), StaleHandleError);
  }));

  test("a reply that cannot be made is the test's mistake: the request goes on waiting", withTransport(async (transport) => {
    const held = transport.get("/a").hold();
    const response = transport.fetch(URL_TEXT);
    const request = await held.next();
    assert.throws(() => request.reply(42), { code: "MOCKWIRE_INVALID_STATUS" });
    request.reply(204);
    assert.equal((await response).status, 204);
  }));

  test("next() fails when the rule is removed", withTransport(async (transport) => {
    const held = transport.get("/a").hold();
    const next = held.next();
    held.rule.remove();
    assert.ok((await failureOf(next)) instanceof StaleHandleError);
  }));
});

describe("streams", () => {
  for (const [name, chunks] of [
    ["an array", ["a", new Uint8Array([98]), "", "c"]],
    ["a function", () => ["a", "b", "c"]],
    ["a generator function", function* () { yield* "abc"; }],
    ["an async generator function", async function* () { yield "a"; await settled(); yield "b"; yield "c"; }],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.get("/a").stream(chunks, { headers: { "content-type": "text/event-stream" } });
      for (let round = 0; round < 2; round += 1) {
        const response = await transport.fetch(URL_TEXT);
        assert.equal(response.headers.get("content-type"), "text/event-stream");
        assert.deepEqual(await chunksOf(response.body), ["a", "b", "c"]);
      }
      assert.deepEqual(transport.requests().map((it) => [it.outcome, it.delivered]), [["done", 3], ["done", 3]]);
    }));
  }

  test("a text is one piece", withTransport(async (transport) => {
    transport.get("/a").stream("abc");
    assert.deepEqual(await chunksOf((await transport.fetch(URL_TEXT)).body), ["abc"]);
  }));

  test("a generator serves one request", withTransport(async (transport) => {
    transport.get("/a").stream((function* () { yield "once"; })());
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "once");
    assert.match((await failureOf((await transport.fetch(URL_TEXT)).text())).message, /used up/);
  }));

  test("pieces are made when they are asked for, and the source is told when nobody wants more", withTransport(async (transport) => {
    const log = [];
    transport.get("/a").stream(async function* () {
      try {
        for (let n = 0; ; n += 1) yield (log.push(n), `${n};`);
      } finally {
        log.push("closed");
      }
    });
    const response = await transport.fetch(URL_TEXT);
    await settled();
    assert.deepEqual(log, []);
    const reader = response.body.getReader();
    await reader.read();
    await reader.read();
    await settled();
    assert.deepEqual(log, [0, 1]);
    await reader.cancel("enough");
    await settled();
    assert.deepEqual(log, [0, 1, "closed"]);
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["cancelled", 4]);
  }));

  test("a source that fails, fails the body in the middle", withTransport(async (transport) => {
    const broken = new Error("cut");
    transport.get("/a").stream(function* () { yield "abc"; throw broken; });
    const response = await transport.fetch(URL_TEXT);
    assert.equal(await failureOf(response.text()), broken);
    const captured = transport.lastRequest();
    assert.deepEqual([captured.outcome, captured.delivered, captured.error], ["failed", 3, "Error: cut"]);
  }));
});

describe("templates", () => {
  test("repeat parts of the request", withTransport(async (transport) => {
    transport.post("/users/:id").template("{{method}} {{param.id}} {{query.q}} {{header.x-a}} {{json /name}}");
    const response = await transport.fetch("https://api.test/users/7?q=x", { method: "POST", headers: { "x-a": "h" }, body: '{"name":"Zoë"}' });
    assert.equal(await response.text(), "POST 7 x h Zoë");
    assert.equal(transport.lastRequest().outcome, "done");
  }));

  test("JSON stays JSON", withTransport(async (transport) => {
    transport.post("/a").template('{"q":"{{query.q}}","tags":{{json /tags}}}', { headers: { "content-type": "application/json" } });
    const response = await transport.fetch(`${URL_TEXT}?q=%22`, { method: "POST", body: '{"tags":["a",1]}' });
    assert.deepEqual(await response.json(), { q: '"', tags: ["a", 1] });
  }));

  test("what the request does not have is an error", withTransport(async (transport) => {
    transport.get("/a").template("{{query.q}}");
    assert.match((await failureOf(transport.fetch(URL_TEXT))).message, /no query parameter q/);
    assert.equal(transport.lastRequest().outcome, "failed");
  }));
});

describe("redirects", () => {
  test("are followed through the transport, each hop a request of its own", withTransport(async (transport) => {
    transport.post("/a").redirect("/b", 303);
    transport.get("/b").redirect("https://other.test/c#part");
    transport.get("https://other.test/c").reply("arrived");
    const response = await transport.fetch(URL_TEXT, { method: "POST", body: "x", headers: { authorization: "Bearer a", "x-a": "1" } });
    assert.deepEqual([response.status, response.url, response.redirected, await response.text()], [200, "https://other.test/c", true, "arrived"]);
    assert.deepEqual(
      transport.requests().map((it) => [it.method, it.url, it.status, it.text(), it.headers.get("authorization"), it.headers.get("content-type"), it.headers.get("x-a")]),
      [
        ["POST", "https://api.test/a", 303, "x", "Bearer a", "text/plain;charset=UTF-8", "1"],
        ["GET", "https://api.test/b", 302, "", "Bearer a", null, "1"],
        ["GET", "https://other.test/c", 200, "", null, null, "1"],
      ],
    );
  }));

  test("307 keeps the method and the body", withTransport(async (transport) => {
    transport.post("/a").redirect("/b", 307);
    transport.post("/b").reply((request) => request.text());
    assert.equal(await (await transport.fetch(URL_TEXT, { method: "POST", body: "kept" })).text(), "kept");
  }));

  test("`manual` gives the redirect itself, `error` none at all", withTransport(async (transport) => {
    transport.get("/a").redirect("/b");
    const response = await transport.fetch(URL_TEXT, { redirect: "manual" });
    assert.deepEqual([response.status, response.headers.get("location"), response.redirected], [302, "/b", false]);
    const error = await failureOf(transport.fetch(URL_TEXT, { redirect: "error" }));
    assert.ok(error instanceof TypeError);
    assert.match(error.cause.message, /unexpected redirect/);
  }));

  test("a circle ends after twenty hops", withTransport(async (transport) => {
    transport.get("/a").redirect("/a");
    assert.match((await failureOf(transport.fetch(URL_TEXT))).cause.message, /redirect count exceeded/);
    assert.equal(transport.count(), 21);
  }));

  test("a place that is no URL is a network error", withTransport(async (transport) => {
    transport.get("/a").redirect("http://[");
    transport.get("/b").redirect("data:,x");
    for (const path of ["/a", "/b"]) {
      const error = await failureOf(transport.fetch(`https://api.test${path}`));
      assert.equal(error.message, "fetch failed");
      assert.equal(error.cause.code, "ERR_INVALID_URL");
    }
  }));
});

describe("failures and other transports", () => {
  test("a network error is what the platform's is", withTransport(async (transport) => {
    transport.get("/a").error("ECONNREFUSED");
    const error = await failureOf(transport.fetch(URL_TEXT));
    assert.ok(error instanceof TypeError);
    assert.deepEqual([error.message, error.cause.code], ["fetch failed", "ECONNREFUSED"]);
    assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().status], ["failed", undefined]);
  }));

  test("an error of one's own", withTransport(async (transport) => {
    const own = new Error("own");
    transport.get("/a").error(own);
    transport.get("/b").reply(() => reply.error(own));
    assert.equal(await failureOf(transport.fetch(URL_TEXT)), own);
    assert.equal(await failureOf(transport.fetch("https://api.test/b")), own);
  }));

  test("Response.error() is a network error", withTransport(async (transport) => {
    transport.get("/a").reply(() => Response.error());
    assert.equal((await failureOf(transport.fetch(URL_TEXT))).message, "fetch failed");
  }));

  test("a request is passed on, and its response back", withTransport(async (transport) => {
    const upstream = new MockTransport();
    upstream.post("/a").reply((request) => reply.text(`${request.headers.get("x-a")} ${request.text()}`, { status: 201, headers: { "x-up": "1" } }));
    transport.post("/a").passthrough(upstream.fetch);
    const response = await transport.fetch(URL_TEXT, { method: "POST", body: "body", headers: { "x-a": "1" } });
    assert.deepEqual([response.status, response.headers.get("x-up"), await response.text()], [201, "1", "1 body"]);
    const captured = transport.lastRequest();
    assert.deepEqual([captured.status, captured.outcome, captured.delivered], [201, "done", 6]);
    upstream.dispose();
    assert.equal((await failureOf(transport.fetch(URL_TEXT, { method: "POST" }))).code, "MOCKWIRE_DISPOSED");
    assert.equal(transport.lastRequest().outcome, "failed");
  }));

  test("a request may be passed on to any function, but it has to give a response", withTransport(async (transport) => {
    transport.get("/a").once().passthrough(() => new Response("at once"));
    assert.equal(await (await transport.fetch(URL_TEXT)).text(), "at once");
    for (const upstream of [() => {}, async () => "text"]) {
      transport.get("/a").once().passthrough(upstream);
      const error = await failureOf(transport.fetch(URL_TEXT));
      assert.deepEqual([error.name, error.code], ["InvalidReplyError", "MOCKWIRE_INVALID_BODY"]);
      assert.match(error.message, /passthrough\(\).*a Response, not/);
    }
  }));

  test("a request is not passed on in a circle, when the global fetch is the transport's own", withTransport(async (transport) => {
    transport.install();
    transport.otherwise().passthrough(globalThis.fetch);
    const error = await failureOf(fetch(URL_TEXT, { method: "POST", body: new Blob(["later"]) }));
    assert.equal(error.code, "MOCKWIRE_INVALID_OPTION");
    assert.match(error.message, /before `install\(\)`/);
    assert.equal(transport.count(), 1);
  }));
});

describe("unmatched requests, when the options say so", () => {
  test("get a status with the diagnosis, which official clients do not retry", withTransport({ unmatched: 501 }, async (transport) => {
    transport.get("/b").reply(200);
    const response = await transport.fetch(URL_TEXT);
    assert.deepEqual([response.status, response.headers.get("x-should-retry")], [501, "false"]);
    assert.match(await response.text(), /no rule matched GET https:\/\/api\.test\/a/);
    assert.equal(transport.lastRequest().outcome, "unmatched");
    assert.throws(() => transport.verify(), /GET https:\/\/api\.test\/a/);
  }));

  test("get what a handler makes", withTransport({ unmatched: (request) => reply.text(request.path, { status: 404 }) }, async (transport) => {
    const response = await transport.fetch(URL_TEXT);
    assert.deepEqual([response.status, await response.text()], [404, "/a"]);
    transport.verify({ allowUnmatched: true });
  }));

  test("are told that it was this handler that failed", withTransport({ unmatched: () => {} }, async (transport) => {
    assert.match((await failureOf(transport.fetch(URL_TEXT))).message, /^the handler for what no rule matched failed: .*`return` missing/);
  }));
});
