/** What `fetch` takes and refuses: everything the platform's does. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvalidRequestError, reply } from "mockwire";
import { failureOf, random, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/echo?a=1";

describe("inputs", () => {
  for (const [name, input] of [
    ["a string", URL_TEXT],
    ["a string with a fragment, which is not sent", `${URL_TEXT}#part`],
    ["a URL", new URL(URL_TEXT)],
    ["a Request", new Request(URL_TEXT)],
    ["an object with toString", { toString: () => URL_TEXT }],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.get("/echo").reply(204);
      const response = await transport.fetch(input);
      assert.equal(response.status, 204);
      assert.equal(response.url, URL_TEXT);
      assert.equal(transport.lastRequest().url, URL_TEXT);
    }));
  }

  test("a response to HEAD has headers and no body", withTransport(async (transport) => {
    transport.all("/echo").reply(200, "body", { "content-type": "text/plain" });
    for (const [method, expected] of [["HEAD", ""], ["GET", "body"]]) {
      const response = await transport.fetch(URL_TEXT, { method });
      assert.equal(response.headers.get("content-type"), "text/plain");
      assert.equal(await response.text(), expected, method);
      assert.equal(transport.lastRequest().outcome, "done");
    }
  }));

  test("a Request brings its method, headers and body", withTransport(async (transport) => {
    transport.post("/echo").reply(200);
    const request = new Request(URL_TEXT, { method: "POST", headers: { "x-id": "7" }, body: "hello" });
    await transport.fetch(request);
    const captured = transport.lastRequest();
    assert.equal(captured.method, "POST");
    assert.equal(captured.headers.get("x-id"), "7");
    assert.equal(captured.text(), "hello");
    assert.equal(request.bodyUsed, true);
    assert.ok((await failureOf(transport.fetch(request))) instanceof TypeError, "a body is sent once");
  }));

  test("options go before what a Request says", withTransport(async (transport) => {
    transport.put("/echo").reply(200);
    await transport.fetch(new Request(URL_TEXT, { method: "POST", body: "a" }), { method: "PUT", body: "b" });
    assert.equal(transport.lastRequest().text(), "b");
  }));

  test("relative URLs are resolved against `baseUrl`", withTransport({ baseUrl: "https://api.test/v1/" }, async (transport) => {
    transport.get("https://api.test/v1/users").reply(200);
    assert.equal((await transport.fetch("users")).url, "https://api.test/v1/users");
  }));
});

describe("bodies", () => {
  const bytes = new TextEncoder().encode("a=1&b=é");
  const stream = () => new ReadableStream({ start: (controller) => (controller.enqueue(bytes), controller.close()) });
  for (const [name, body, type, options] of [
    ["a string", "a=1&b=é", "text/plain;charset=UTF-8"],
    ["an ArrayBuffer", bytes.buffer.slice(0), null],
    ["a Uint8Array", bytes, null],
    ["a DataView", new DataView(bytes.buffer), null],
    ["a part of a buffer", new Uint8Array([0, ...bytes, 0]).subarray(1, bytes.length + 1), null],
    ["a Blob", new Blob([bytes], { type: "text/x" }), "text/x"],
    ["URLSearchParams", new URLSearchParams({ a: 1, b: "é" }), "application/x-www-form-urlencoded;charset=UTF-8", { text: "a=1&b=%C3%A9" }],
    ["a ReadableStream", stream(), null, { duplex: "half" }],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.post("/echo").reply((request) => request.text());
      const { text = "a=1&b=é", ...init } = options ?? {};
      const response = await transport.fetch(URL_TEXT, { method: "POST", body, ...init });
      assert.equal(await response.text(), text);
      const captured = transport.lastRequest();
      assert.equal(captured.headers.get("content-type"), type);
      assert.deepEqual(captured.bytes(), new TextEncoder().encode(text));
    }));
  }

  test("FormData is multipart, with the boundary that the header names", withTransport(async (transport) => {
    transport.post("/echo").reply(200);
    const form = new FormData();
    form.set("field", "value");
    await transport.fetch(URL_TEXT, { method: "POST", body: form });
    const captured = transport.lastRequest();
    const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(captured.headers.get("content-type"))[1];
    assert.ok(captured.text().startsWith(`--${boundary}\r\n`));
    assert.match(captured.text(), /name="field"\r\n\r\nvalue\r\n/);
  }));

  test("a body that is read later is matched like any other", withTransport(async (transport) => {
    transport.post("/echo").json({ ok: true }).reply("right");
    transport.post("/echo").reply("wrong");
    const body = new Blob([JSON.stringify({ ok: true })]);
    assert.equal(await (await transport.fetch(URL_TEXT, { method: "POST", body })).text(), "right");
  }));

  test("requests keep the order in which they were made, however their bodies come", withTransport(async (transport) => {
    transport.post("*").reply(200);
    await Promise.all([
      transport.fetch("https://api.test/1", { method: "POST", body: new Blob(["slow"]) }),
      transport.fetch("https://api.test/2", { method: "POST", body: "fast" }),
    ]);
    assert.deepEqual(transport.requests().map((request) => request.path), ["/1", "/2"]);
  }));

  test("the request is a snapshot: what happens to the arguments later changes nothing", withTransport(async (transport) => {
    transport.post("/echo").reply(200);
    const body = new Uint8Array([1, 2, 3]);
    const headers = { "x-id": "before" };
    const list = new Headers({ "x-id": "before" });
    const first = transport.fetch(URL_TEXT, { method: "POST", body, headers });
    const second = transport.fetch(URL_TEXT, { method: "POST", body: body.buffer, headers: list });
    body.fill(9);
    headers["x-id"] = "after";
    list.set("x-id", "after");
    await Promise.all([first, second]);
    for (const request of transport.requests()) {
      assert.deepEqual([...request.bytes()], [1, 2, 3]);
      assert.equal(request.headers.get("x-id"), "before");
    }
  }));
});

describe("headers", () => {
  test("a record is what the platform makes of it, whatever was sent before", withTransport(async (transport) => {
    transport.get("/echo").reply(204);
    const next = random(7);
    const pick = (...choices) => choices[Math.floor(next() * choices.length)];
    for (let n = 0; n < 2000; n += 1) {
      const headers = {};
      for (let left = pick(0, 1, 2, 3); left > 0; left -= 1) {
        headers[pick("accept", "Accept", "x-a", "X-B", "cookie")] = pick("1", "2", " 1", "1, 2", 1, null);
      }
      await transport.fetch(URL_TEXT, { headers });
      assert.deepEqual([...transport.lastRequest().headers], [...new Headers(headers)], JSON.stringify(headers));
    }
  }));

  test("each value is read once, also when the latest request was alike", withTransport(async (transport) => {
    transport.get("/echo").reply(204);
    const reads = [];
    const recorded = new Proxy({ "x-a": "1", "x-b": "2" }, {
      get(record, name) {
        if (typeof name === "string") reads.push(name);
        return Reflect.get(record, name);
      },
    });
    await transport.fetch(URL_TEXT, { headers: { "x-a": "1", "x-b": "3" } });
    for (let n = 0; n < 2; n += 1) await transport.fetch(URL_TEXT, { headers: recorded });
    assert.deepEqual(reads, ["x-a", "x-b", "x-a", "x-b"]);
  }));

  for (const [name, headers] of [
    ["a record", { "X-Id": " 7\t", accept: "a" }],
    ["pairs", [["X-Id", "7"], ["accept", "a"]]],
    ["a Headers", new Headers({ "X-Id": "7", accept: "a" })],
    ["a Map", new Map([["X-Id", "7"], ["accept", "a"]])],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.get("/echo").header("x-id", "7").reply(200);
      await transport.fetch(URL_TEXT, { headers });
      assert.deepEqual([...transport.lastRequest().headers], [["accept", "a"], ["x-id", "7"]]);
    }));
  }

  test("cookies are joined as they are parted", withTransport(async (transport) => {
    transport.get("/echo").cookie("b", "2").reply(200);
    await transport.fetch(URL_TEXT, { headers: [["cookie", "a=1"], ["cookie", "b=2"]] });
    assert.equal(transport.lastRequest().headers.get("cookie"), "a=1; b=2");
  }));

  test("values of one name are joined", withTransport(async (transport) => {
    transport.get("/echo").reply(200);
    await transport.fetch(URL_TEXT, { headers: [["a", "1"], ["A", "2"]] });
    assert.equal(transport.lastRequest().headers.get("a"), "1, 2");
  }));
});

describe("methods", () => {
  for (const [given, sent] of [["get", "GET"], ["pOsT", "POST"], ["patch", "patch"], ["PATCH", "PATCH"], ["custom", "custom"]]) {
    test(`${given} is sent as ${sent}`, withTransport(async (transport) => {
      transport.all("*").reply(200);
      await transport.fetch(URL_TEXT, { method: given });
      assert.equal(transport.lastRequest().method, sent);
    }));
  }

  test("a rule and a filter mean a method of one's own as it is written, and `PATCH` by `patch`", withTransport(async (transport) => {
    transport.on("custom", "/echo").reply("custom");
    transport.on("patch", "/echo").reply("patch");
    for (const method of ["custom", "PATCH"]) {
      assert.equal(await (await transport.fetch(URL_TEXT, { method })).text(), method.toLowerCase());
      assert.equal(transport.count(`${method.toLowerCase()} /echo`), 1);
    }
  }));
});

describe("what the platform's fetch refuses is refused, with a TypeError too, and is no request", () => {
  for (const [name, input, init] of [
    ["a malformed URL", "https://", undefined],
    ["a relative URL without a base", "/users", undefined],
    ["a URL with credentials", "https://user:secret@api.test/", undefined],
    ["no URL at all", undefined, undefined],
    ["a body on GET", URL_TEXT, { body: "x" }],
    ["a body on HEAD", URL_TEXT, { method: "HEAD", body: new Uint8Array(1) }],
    ["CONNECT", URL_TEXT, { method: "CONNECT" }],
    ["trace", URL_TEXT, { method: "trace" }],
    ["a method with a space", URL_TEXT, { method: "a b" }],
    ["a header name with a space", URL_TEXT, { headers: { "a b": "1" } }],
    ["a header value with a line break", URL_TEXT, { headers: { a: "x\r\ny: z" } }],
    ["a header value that is no byte string", URL_TEXT, { headers: { a: "日本" } }],
    ["a header without a value", URL_TEXT, { headers: [["a"]] }],
    ["a header that is a text", URL_TEXT, { headers: ["ab"] }],
    ["a header value that is a symbol", URL_TEXT, { headers: { a: Symbol("b") } }],
    ["a header value with a control character", "http://localhost:1/", { headers: { a: "\u0001" } }],
    ["headers that are a number", URL_TEXT, { headers: 5 }],
    ["options that are a number", URL_TEXT, 5],
    ["a signal that is none", URL_TEXT, { signal: {} }],
    ["an unknown redirect mode", URL_TEXT, { redirect: "bogus" }],
    ["an unknown credentials mode", URL_TEXT, { credentials: "bogus" }],
    ["a stream without duplex", URL_TEXT, { method: "POST", body: new ReadableStream() }],
  ]) {
    test(name, withTransport(async (transport) => {
      transport.all("*").reply(200);
      const theirs = await failureOf(globalThis.fetch(input, init));
      const ours = await failureOf(transport.fetch(input, init));
      assert.ok(theirs instanceof TypeError);
      assert.ok(ours instanceof TypeError);
      assert.equal(transport.count(), 0);
      assert.equal((await transport.fetch(URL_TEXT)).status, 200, "the transport goes on");
    }));
  }

  test("only a URL without a scheme is said to need a base", withTransport(async (transport) => {
    assert.match((await failureOf(transport.fetch("/users"))).message, /`baseUrl`/);
    assert.doesNotMatch((await failureOf(transport.fetch("https://a b/"))).message, /`baseUrl`/);
  }));

  test("the error says what and where, with a code", withTransport(async (transport) => {
    const error = await failureOf(transport.fetch(URL_TEXT, { headers: { "x-id": "a\nb" } }));
    assert.ok(error instanceof InvalidRequestError);
    assert.equal(error.name, "InvalidRequestError");
    assert.equal(error.code, "MOCKWIRE_INVALID_HEADER_VALUE");
    assert.match(error.message, /x-id/);
  }));
});

test("a line that comes again and again is the same request each time, among however many others", withTransport(async (transport) => {
  transport.get("/often").reply((request) => reply.text(`${request.sequence}`));
  transport.get("/n/:n").reply((request) => request.params.n);
  transport.otherwise().reply(404);
  for (let n = 0; n < 3000; n += 1) {
    if (n % 7 === 0) assert.equal(await (await transport.fetch("https://api.test/often")).text(), `${transport.count()}`);
    assert.equal(await (await transport.fetch(`https://api.test/n/${n % 1500}`)).text(), String(n % 1500));
  }
  assert.deepEqual(transport.requests().map((request) => request.sequence), Array.from({ length: transport.count() }, (_, n) => n + 1));
}));

test("a body that breaks before it is sent is a failed connection, as the platform's", withTransport(async (transport) => {
  transport.post("*").reply(200);
  const reason = new RangeError("broken");
  const init = () => ({ method: "POST", duplex: "half", body: new ReadableStream({ pull: (controller) => controller.error(reason) }) });
  const theirs = await failureOf(globalThis.fetch("http://localhost:1/", init()));
  const ours = await failureOf(transport.fetch(URL_TEXT, init()));
  assert.deepEqual([ours.constructor, ours.message, ours.cause], [theirs.constructor, theirs.message, reason]);
  assert.equal(transport.lastRequest().outcome, "failed");
}));

test("what no server is asked for is the platform's: `data:` and `blob:`", withTransport(async (transport) => {
  transport.otherwise().reply("mock");
  const blob = URL.createObjectURL(new Blob(["of a blob"]));
  transport.install();
  assert.equal(await (await fetch("data:text/plain,of%20its%20own")).text(), "of its own");
  assert.equal(await (await fetch(new Request(blob))).text(), "of a blob");
  URL.revokeObjectURL(blob);
  assert.equal(transport.count(), 0);
}));

test("fetch is bound: it works on its own", withTransport(async (transport) => {
  transport.get("/echo").reply("hello");
  const { fetch } = transport;
  assert.equal(await (await fetch(URL_TEXT)).text(), "hello");
}));

test("10,000 requests are in flight at once, and each gets its own reply", withTransport(async (transport) => {
  const held = transport.get("/n/:n").hold();
  const responses = Array.from({ length: 10_000 }, (_, n) => transport.fetch(`https://api.test/n/${n}`));
  assert.equal(held.waiting, 10_000);
  for (let n = 0; n < 10_000; n += 1) {
    const { request, reply } = await held.next().then((it) => ({ request: it.request, reply: it.reply.bind(it) }));
    reply({ n: request.params.n });
  }
  const values = await Promise.all(responses.map(async (response) => (await response).json()));
  assert.deepEqual(values, Array.from({ length: 10_000 }, (_, n) => ({ n: String(n) })));
}));
