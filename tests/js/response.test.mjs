/** The response is the platform's, as far as anybody can see: compared with the real thing, case by case. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { MockTransport } from "mockwire";
import { chunksOf, failureOf, outcomeOf, withTransport } from "./support.mjs";

const TEXT = JSON.stringify({ name: "Zoë", tags: ["a", "b"] });
const HEADERS = { "content-type": "application/json; charset=UTF-8", "x-id": "7" };

/** Each is tried on a platform response and on ours; the outcomes must be the same. */
const OPERATIONS = {
  "status, ok, statusText": (r) => [r.status, r.ok, r.statusText],
  "url and redirected": (r) => [new URL(r.url).pathname, r.redirected],
  type: (r) => r.type,
  "own keys": (r) => Object.keys(r),
  "names, inherited ones too": (r) => { const names = []; for (const name in r) names.push(name); return names.filter((name) => name in Response.prototype).sort(); },
  "the tag": (r) => Object.prototype.toString.call(r),
  "instanceof": (r) => [r instanceof Response, r.constructor === Response],
  "headers": (r) => [r.headers.get("X-ID"), r.headers.has("nope"), r.headers.get("content-type"), r.headers instanceof Headers],
  "the class of the headers": (r) => [r.headers.constructor === Headers, Object.prototype.toString.call(r.headers)],
  "headers are the same object each time": (r) => r.headers === r.headers,
  "headers cannot be set": (r) => r.headers.set("a", "b"),
  "headers cannot be appended to": (r) => r.headers.append("a", "b"),
  "headers cannot be deleted": (r) => r.headers.delete("x-id"),
  "text": async (r) => [await r.text(), r.bodyUsed],
  "json": (r) => r.json(),
  "arrayBuffer": async (r) => Buffer.from(await r.arrayBuffer()).toString(),
  "blob": async (r) => ((b) => Promise.all([b.text(), b.type, b.size]))(await r.blob()),
  "formData of JSON": (r) => r.formData(),
  "body in chunks": async (r) => (await chunksOf(r.body)).join(""),
  "body is the same object each time": (r) => r.body === r.body,
  "bodyUsed before": (r) => r.bodyUsed,
  "bodyUsed after touching body": (r) => (r.body, r.bodyUsed),
  "bodyUsed after getReader": (r) => (r.body.getReader(), r.bodyUsed),
  "bodyUsed right after read": (r) => (r.body.getReader().read().catch(() => {}), r.bodyUsed),
  "bodyUsed after cancel": async (r) => (await r.body.cancel(), r.bodyUsed),
  "bodyUsed right after text": (r) => (r.text().catch(() => {}), r.bodyUsed),
  "text twice": async (r) => (await r.text(), r.text()),
  "text and json at once": async (r) => (await Promise.allSettled([r.text(), r.json()])).map((it) => it.status),
  "text after reading the body": async (r) => (await chunksOf(r.body), r.text()),
  "text of a locked body": (r) => (r.body.getReader(), r.text()),
  "text after a reader let go without reading": (r) => (r.body.getReader().releaseLock(), r.text()),
  "text after touching the body, which is locked then": async (r) => ((b) => r.text().then(() => b.locked))(r.body),
  "body after text": async (r) => (await r.text(), [r.body.locked, r.body instanceof ReadableStream]),
  "cancel after text": async (r) => (await r.text(), r.body.cancel()),
  "cancel resolves": (r) => r.body.cancel("reason"),
  "cancel through a reader": (r) => r.body.getReader().cancel(),
  "reading to the end": async (r) => {
    const reader = r.body.getReader();
    const steps = [];
    for (let step; !(step = await reader.read()).done; ) steps.push(Buffer.from(step.value).toString());
    await reader.closed;
    return steps.join("");
  },
  "reading into a buffer of one's own": async (r) => {
    const reader = r.body.getReader({ mode: "byob" });
    const { value, done } = await reader.read(new Uint8Array(4));
    return [Buffer.from(value).toString(), done];
  },
  "reading into a buffer to the end": async (r) => {
    const reader = r.body.getReader({ mode: "byob" });
    let text = "";
    for (let step; !(step = await reader.read(new Uint8Array(1000))).done; ) text += Buffer.from(step.value);
    return text;
  },
  "clone": async (r) => ((c) => Promise.all([c.text(), r.text(), c.status, c.headers.get("x-id"), c instanceof Response]))(r.clone()),
  "clone keeps the url": (r) => r.clone().url === r.url,
  "clone of a clone": async (r) => ((c) => Promise.all([c.clone().text(), c.text(), r.text()]))(r.clone()),
  "clone after touching body": async (r) => ((b) => ((c) => Promise.all([c.text(), r.text(), b.locked]))(r.clone()))(r.body),
  "clone after text": async (r) => (await r.text(), r.clone()),
  "clone of a locked body": (r) => (r.body.getReader(), r.clone()),
  "tee": async (r) => (await Promise.all(r.body.tee().map(chunksOf))).map((chunks) => chunks.join("")),
  "pipeThrough": (r) => chunksOf(r.body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).then((c) => c.join("")),
  "new Response(r.body)": (r) => new Response(r.body).text(),
  "new Response(r.body, r)": (r) => new Response(r.body, r).headers.get("x-id"),
  "new Response of a used body": async (r) => (await r.text(), new Response(r.body)),
};

const BODIES = {
  "a JSON text": { body: TEXT, headers: HEADERS },
  "an empty text": { body: "", headers: HEADERS },
  "no JSON": { body: "not { json", headers: { ...HEADERS, "content-type": "text/plain" } },
  "a byte order mark": { body: "\ufeff[1]", headers: HEADERS },
  "lone surrogates": { body: "a\ud800b", headers: HEADERS },
};

/** Operations whose answer differs between a response from a server and one that is made by hand. */
const ONLY_FETCHED = new Set(["type", "headers cannot be set", "headers cannot be appended to", "headers cannot be deleted", "url and redirected", "clone keeps the url", "names, inherited ones too"]);

describe("like a fetched response", () => {
  let server;
  let origin;
  before(async () => {
    server = createServer((_, answer) => {
      answer.sendDate = false;
      answer.writeHead(200, HEADERS);
      answer.end(TEXT);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  for (const [name, operation] of Object.entries(OPERATIONS)) {
    test(name, withTransport(async (transport) => {
      transport.get("/path").reply(200, TEXT, HEADERS);
      const theirs = await outcomeOf(async () => operation(await fetch(`${origin}/path`)));
      const ours = await outcomeOf(async () => operation(await transport.fetch(`${origin}/path`)));
      // Whose own class it is, is the error's business; that it is an error of that kind, is ours.
      assert.deepEqual(comparable(ours), comparable(theirs));
    }));
  }
});

for (const [kind, { body, headers }] of Object.entries(BODIES)) {
  for (const realResponse of [false, true]) {
    describe(`like new Response() with ${kind}${realResponse ? ", as a platform object" : ""}`, () => {
      for (const [name, operation] of Object.entries(OPERATIONS)) {
        if (ONLY_FETCHED.has(name)) continue;
        test(name, async () => {
          const transport = new MockTransport({ realResponse });
          transport.get("/path").reply(200, body, headers);
          const theirs = await outcomeOf(() => operation(Object.defineProperty(new Response(body, { headers, statusText: "OK" }), "url", { value: "https://api.test/path" })));
          const ours = await outcomeOf(async () => operation(await transport.fetch("https://api.test/path")));
          assert.deepEqual(comparable(ours), comparable(theirs));
          transport.dispose();
        });
      }
    });
  }
}

describe("like new Response() with a body in pieces", () => {
  const pieces = [TEXT.slice(0, 5), TEXT.slice(5, 20), TEXT.slice(20)];
  // A stream of bytes, as every fetched body is.
  const stream = () => new ReadableStream({
    type: "bytes",
    start: (controller) => (pieces.forEach((piece) => controller.enqueue(new TextEncoder().encode(piece))), controller.close()),
  });
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (ONLY_FETCHED.has(name)) continue;
    test(name, withTransport(async (transport) => {
      transport.get("/path").stream(pieces, { headers: HEADERS });
      const theirs = await outcomeOf(() => operation(Object.defineProperty(new Response(stream(), { headers: HEADERS, statusText: "OK" }), "url", { value: "https://api.test/path" })));
      const ours = await outcomeOf(async () => operation(await transport.fetch("https://api.test/path")));
      assert.deepEqual(comparable(ours), comparable(theirs));
    }));
  }
});

describe("without a body", () => {
  for (const [name, method, status] of [["204", "GET", 204], ["205", "GET", 205], ["304", "GET", 304], ["HEAD", "HEAD", 200]]) {
    test(name, withTransport(async (transport) => {
      const text = method === "HEAD" ? "only its length is told" : undefined;
      transport.on(method, "/path").reply(status, text, { "content-length": "23" });
      const response = await transport.fetch("https://api.test/path", { method });
      assert.deepEqual([response.status, response.body, response.bodyUsed, response.headers.get("content-length")], [status, null, false, "23"]);
      assert.equal(await response.text(), "");
      assert.equal(await response.text(), "", "what is not there can be read twice");
      assert.equal((await response.arrayBuffer()).byteLength, 0);
      assert.equal(response.clone().status, status);
      assert.equal(response.bodyUsed, false);
      assert.equal(transport.lastRequest().outcome, "done");
    }));
  }
});

test("bytes() gives bytes, also where the platform has no such method", withTransport(async (transport) => {
  transport.get("/path").reply(200, new Uint8Array([1, 2, 3]));
  const response = await transport.fetch("https://api.test/path");
  assert.deepEqual([...(await response.bytes())], [1, 2, 3]);
  assert.ok((await failureOf(response.bytes())) instanceof TypeError);
}));

test("a reader may change the bytes it is given: the next response is not touched", withTransport(async (transport) => {
  transport.get("/path").reply(200, new Uint8Array([1, 2, 3]));
  for (let round = 0; round < 2; round += 1) {
    const { value } = await (await transport.fetch("https://api.test/path")).body.getReader().read();
    assert.deepEqual([...value], [1, 2, 3]);
    value.fill(9);
    const buffer = await (await transport.fetch("https://api.test/path")).arrayBuffer();
    new Uint8Array(buffer).fill(9);
  }
}));

test("formData() reads a form", withTransport(async (transport) => {
  transport.get("/form").reply(200, new URLSearchParams({ a: "1" }));
  const form = await (await transport.fetch("https://api.test/form")).formData();
  assert.equal(form.get("a"), "1");
}));

test("several cookies stay apart", withTransport(async (transport) => {
  transport.get("/path").reply(200, "", [["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
  assert.deepEqual((await transport.fetch("https://api.test/path")).headers.getSetCookie(), ["a=1", "b=2"]);
}));

test("it prints like a response, without secrets", withTransport(async (transport) => {
  transport.get("/path").reply(200, "hello", { "set-cookie": "id=secret" });
  const text = inspect(await transport.fetch("https://api.test/path"));
  assert.match(text, /^Response \{/);
  assert.match(text, /status: 200/);
  assert.match(text, /<redacted>/);
  assert.doesNotMatch(text, /secret/);
}));

test("`realResponse` gives what the platform's own methods work on", withTransport({ realResponse: true }, async (transport) => {
  transport.get("/path").reply({ a: 1 });
  transport.get("/from").redirect("/path");
  const response = await transport.fetch("https://api.test/from");
  for (const it of [response, response.clone(), response.clone().clone()]) {
    assert.deepEqual([it.url, it.redirected, it.type], ["https://api.test/path", true, "basic"]);
    assert.deepEqual(Object.keys(it), []);
  }
  assert.equal(await Response.prototype.text.call(response), '{"a":1}');
  assert.equal(transport.lastRequest().outcome, "done");
  assert.equal(transport.lastRequest().delivered, 7);
}));

/** Errors by their kind: ours of `TypeError` are `TypeError`s. */
function comparable(outcome) {
  return outcome.error === undefined ? { value: plain(outcome.value) } : outcome;
}

function plain(value) {
  return value instanceof Response ? "a response" : value;
}
