/** Which requests a rule is for: each condition with a request that fits and one that does not. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UnmatchedRequestError, when } from "mockwire";
import { failureOf, withTransport } from "./support.mjs";

const BASE = "https://api.test";

/** Name, the rule, requests that fit, requests that do not. A request is a URL or `[url, init]`. */
const CASES = [
  ["a path", (t) => t.get("/users"), ["/users", "/users?a=1"], ["/user", "/users/1", "/users/", ["/users", { method: "POST", body: "" }]]],
  ["a path with a capture", (t) => t.get("/users/:id"), ["/users/7", "/users/a%20b"], ["/users", "/users/7/x"]],
  ["a path in braces", (t) => t.get("/users/{id}/posts"), ["/users/7/posts"], ["/users/7"]],
  ["a star", (t) => t.get("/files/*.json"), ["/files/a.json"], ["/files/a.txt", "/files/a/b.json"]],
  ["two stars", (t) => t.get("/files/**"), ["/files", "/files/a", "/files/a/b"], ["/file"]],
  ["everything", (t) => t.get("*"), ["/", "/a/b"], [["/", { method: "DELETE" }]]],
  ["no target", (t) => t.get(), ["/", "/a/b"], [["/", { method: "DELETE" }]]],
  ["a whole URL", (t) => t.get("https://api.test/users"), ["/users"], ["https://other.test/users", "http://api.test/users"]],
  ["a URL with a port", (t) => t.get("http://localhost:8080/a"), ["http://localhost:8080/a"], ["http://localhost/a", "http://localhost:8081/a"]],
  ["a URL with a star in the host", (t) => t.get("https://*.test/a"), ["/a", "https://x.y.test/a"], ["https://api.example/a"]],
  ["a name beyond ASCII in the host", (t) => t.get("https://b\u00fccher.test/a"), ["https://B\u00dcCHER.test/a", "https://xn--bcher-kva.test/a"], ["https://bucher.test/a"]],
  ["an address in the host", (t) => t.get("http://[0:0::1]:8080/a"), ["http://[::1]:8080/a", "http://[0:0:0:0:0:0:0:1]:8080/a"], ["http://[::1]/a", "http://[::2]:8080/a"]],
  ["a header beyond ASCII", (t) => t.get("/").header("x-name", "caf\u00e9"), [["/", { headers: { "x-name": "caf\u00e9" } }]], ["/", ["/", { headers: { "x-name": "cafe" } }]]],
  ["a query in the target", (t) => t.get("/list?page=2"), ["/list?page=2", "/list?x=1&page=2"], ["/list", "/list?page=3"]],
  ["a RegExp", (t) => t.get(/\/users\/\d+$/), ["/users/7"], ["/users/x", "/users/7?a"]],
  ["a RegExp with a memory", (t) => t.get(/users/g), ["/users", "/users", "/users"], ["/posts"]],
  ["a function", (t) => t.get((request) => request.path.length === 4), ["/abc"], ["/ab"]],
  ["any method", (t) => t.all("/a"), ["/a", ["/a", { method: "DELETE" }], ["/a", { method: "CUSTOM" }]], ["/b"]],
  ["a method by name", (t) => t.on("REPORT", "/a"), [["/a", { method: "REPORT" }]], ["/a", ["/a", { method: "report" }]]],
  ["HEAD", (t) => t.head("/a"), [["/a", { method: "HEAD" }]], ["/a"]],
  ["OPTIONS", (t) => t.options("/a"), [["/a", { method: "OPTIONS" }]], ["/a"]],
  ["PATCH", (t) => t.patch("/a"), [["/a", { method: "PATCH" }]], [["/a", { method: "PUT" }]]],
  ["a header", (t) => t.get("/").header("X-Plan", "pro"), [h({ "x-plan": "pro" })], ["/", h({ "x-plan": "Pro" })]],
  ["a header by pattern", (t) => t.get("/").header("x-plan", /^p/i), [h({ "x-plan": "Pro" })], ["/", h({ "x-plan": "trial" })]],
  ["a part of a header", (t) => t.get("/").headerContains("accept", "json"), [h({ accept: "application/json" })], ["/"]],
  ["a header that is there", (t) => t.get("/").hasHeader("x-a"), [h({ "x-a": "" })], ["/"]],
  ["a header that is missing", (t) => t.get("/").withoutHeader("x-a"), ["/"], [h({ "x-a": "1" })]],
  ["a query parameter", (t) => t.get("/").query("q", "a b"), ["/?q=a%20b", "/?q=a+b"], ["/?q=a", "/"]],
  ["a query parameter by pattern", (t) => t.get("/").query("q", /^\d+$/), ["/?q=42"], ["/?q=x", "/"]],
  ["a part of a query parameter", (t) => t.get("/").queryContains("q", "ell"), ["/?q=hello"], ["/?q=x"]],
  ["a query parameter that is there", (t) => t.get("/").hasQuery("q"), ["/?q", "/?q=1"], ["/"]],
  ["a query parameter that is missing", (t) => t.get("/").withoutQuery("q"), ["/"], ["/?q=1"]],
  ["a cookie", (t) => t.get("/").cookie("id", "7"), [h({ cookie: "a=1; id=7" })], [h({ cookie: "id=8" }), "/"]],
  ["a text body", (t) => t.post("/").body("hello"), [p("hello")], [p("hello!"), p("")]],
  ["a body of bytes", (t) => t.post("/").body(new Uint8Array([0, 255])), [p(new Uint8Array([0, 255]))], [p(new Uint8Array([0, 254]))]],
  ["a body by pattern", (t) => t.post("/").body(/^h.*o$/), [p("hello")], [p("hell")]],
  ["a part of the body", (t) => t.post("/").bodyContains("ell"), [p("hello"), p(new Blob(["hello"]))], [p("x")]],
  ["JSON, whatever the order of keys and the form of numbers", (t) => t.post("/").json({ a: 1, b: [true, null] }), [p('{"b":[true,null],"a":1.0}')], [p('{"a":1}'), p('{"a":1,"b":[true,null],"c":0}'), p("{")]],
  ["a part of JSON", (t) => t.post("/").jsonPartial({ a: { b: 1 } }), [p('{"a":{"b":1,"c":2},"d":3}')], [p('{"a":{"b":2}}'), p("[]")]],
  ["JSON at a pointer", (t) => t.post("/").jsonAt("/messages/0/role", "user"), [p('{"messages":[{"role":"user"}]}')], [p('{"messages":[]}')]],
  ["a form", (t) => t.post("/").form("name", "Zoë"), [p(new URLSearchParams({ name: "Zoë", x: 1 }))], [p(new URLSearchParams({ name: "Z" }))]],
  ["basic authorization", (t) => t.get("/").basicAuth("user", "pass"), [h({ authorization: `Basic ${btoa("user:pass")}` })], [h({ authorization: "Basic x" }), "/"]],
  ["a bearer token", (t) => t.get("/").bearer("abc"), [h({ authorization: "Bearer abc" })], [h({ authorization: "Bearer abd" }), "/"]],
  ["a condition of one's own", (t) => t.post("/").matching((request) => request.json().n > 1), [p('{"n":2}')], [p('{"n":1}')]],
  ["a pattern for the body", (t) => t.post("/").matching(/"n":2/), [p('{"n":2}')], [p('{"n":1}')]],
  ["one of several", (t) => t.get("/").any(when.header("a", "1"), when.query("b", "2")), [h({ a: "1" }), "/?b=2"], ["/"]],
  ["none of several", (t) => t.get("/").not(when.any(when.hasHeader("a"), when.hasQuery("b"))), ["/"], [h({ a: "1" }), "/?b=2"]],
  ["all of several", (t) => t.all("*").matching(when.all(when.method("PUT"), when.path("/a/*"), when.host("api.test"), when.scheme("https"), when.port(443))), [["/a/b", { method: "PUT" }]], ["/a/b", ["http://api.test/a/b", { method: "PUT" }]]],
  ["several conditions, which must all hold", (t) => t.post("/").header("a", "1").query("b", "2").json({}), [["/?b=2", { method: "POST", headers: { a: "1" }, body: "{}" }]], [["/?b=2", { method: "POST", body: "{}" }]]],
  ["JSON that is there and JSON that is missing", (t) => t.post("/").matching(when.all(when.hasJson("/a"), when.withoutJson("/b"))), [p('{"a":null}')], [p("{}"), p('{"a":1,"b":2}')]],
];

for (const [name, rule, fitting, others] of CASES) {
  test(name, withTransport(async (transport) => {
    rule(transport).reply(299);
    for (const request of fitting) assert.equal((await send(transport, request)).status, 299, JSON.stringify(request));
    for (const request of others) assert.ok((await failureOf(send(transport, request))) instanceof UnmatchedRequestError, JSON.stringify(request));
  }));
}

describe("captures", () => {
  test("by name, decoded, in handlers and afterwards", withTransport(async (transport) => {
    transport.get("/users/:id/posts/{post}").reply((request) => request.params);
    const response = await transport.fetch(`${BASE}/users/a%20b/posts/7`);
    assert.deepEqual(await response.json(), { id: "a b", post: "7" });
    await transport.fetch(`${BASE}/users/x/posts/8`);
    assert.deepEqual(transport.requests().map((request) => request.params), [{ id: "a b", post: "7" }, { id: "x", post: "8" }]);
  }));

  test("of a body that is read later", withTransport(async (transport) => {
    transport.post("/users/:id").reply((request) => request.params);
    const responses = await Promise.all(
      ["1", "2"].map((id) => transport.fetch(`${BASE}/users/${id}`, { method: "POST", body: new Blob(["x"]) })),
    );
    assert.deepEqual(await Promise.all(responses.map((response) => response.json())), [{ id: "1" }, { id: "2" }]);
  }));

  test("groups of a RegExp", withTransport(async (transport) => {
    transport.get(/\/users\/(?<id>\d+)/).reply((request) => request.params);
    assert.deepEqual(await (await transport.fetch(`${BASE}/users/7`)).json(), { id: "7" });
  }));

  test("groups of a URLPattern, or what looks like one", withTransport(async (transport) => {
    const pattern = {
      pathname: "/users/:id",
      test: (url) => new URL(url).pathname.startsWith("/users/"),
      exec: (url) => ({ pathname: { groups: { id: new URL(url).pathname.split("/")[2], none: undefined } } }),
    };
    transport.get(pattern).reply((request) => request.params);
    assert.deepEqual(await (await transport.fetch(`${BASE}/users/7`)).json(), { id: "7" });
    assert.ok((await failureOf(transport.fetch(`${BASE}/posts/7`))) instanceof UnmatchedRequestError);
  }));
});

describe("which of several rules", () => {
  test("the first, unless a later one has priority", withTransport(async (transport) => {
    transport.get("/a").reply("first");
    transport.get("/a").reply("second");
    assert.equal(await text(transport, "/a"), "first");
    transport.get("/a").priority(1).reply("third");
    assert.equal(await text(transport, "/a"), "third");
    transport.get("/a").priority(-1).reply("last");
    assert.equal(await text(transport, "/a"), "third");
  }));

  test("a rule with conditions that comes first is asked first", withTransport(async (transport) => {
    transport.post("/a").jsonAt("/model", "small").reply("conditions");
    transport.post("/a").reply("target");
    const send = async (model) => (await transport.fetch(`${BASE}/a`, { method: "POST", body: JSON.stringify({ model }) })).text();
    assert.deepEqual([await send("small"), await send("large")], ["conditions", "target"]);
  }));

  test("`otherwise` takes what is left, whenever it was made", withTransport(async (transport) => {
    transport.otherwise().reply(404, "nothing here");
    transport.get("/a").priority(-5).reply("found");
    assert.equal(await text(transport, "/a"), "found");
    assert.equal(await text(transport, "/b"), "nothing here");
    transport.verify();
  }));

  test("by position: the n-th request, whoever answers it", withTransport(async (transport) => {
    transport.get("/a").nth(2).reply("second");
    transport.get("/a").nth({ from: 4 }).reply("later");
    transport.get("/a").reply("other");
    const texts = [];
    for (let n = 0; n < 5; n += 1) texts.push(await text(transport, "/a"));
    assert.deepEqual(texts, ["other", "second", "other", "later", "later"]);
  }));
});

describe("a function that decides", () => {
  test("runs once for a request, with all of it", withTransport(async (transport) => {
    const seen = [];
    const decide = (request) => seen.push(`${request.sequence} ${request.headers.get("a")} ${request.text()}`) > 100;
    transport.post("/a").matching(decide).reply(500);
    transport.post("/a").matching(decide).reply(500);
    transport.post("/a").reply(204);
    await transport.fetch(`${BASE}/a`, { method: "POST", headers: { a: "1" }, body: new Blob(["late"]) });
    await transport.fetch(`${BASE}/a`, { method: "POST", headers: { a: "2" }, body: "at once" });
    assert.deepEqual([...new Set(seen)], ["1 1 late", "2 2 at once"]);
  }));

  test("may use its own transport", withTransport(async (transport) => {
    let inner;
    transport.get("/inner").reply("inner");
    transport.get("/outer").matching(() => ((inner = transport.fetch(`${BASE}/inner`)), true)).reply("outer");
    assert.equal(await text(transport, "/outer"), "outer");
    assert.equal(await (await inner).text(), "inner");
    assert.deepEqual(transport.requests().map((request) => [request.sequence, request.path]), [[1, "/outer"], [2, "/inner"]]);
  }));
});

function h(headers) {
  return ["/", { headers }];
}

function p(body) {
  return ["/", { method: "POST", body }];
}

function send(transport, request) {
  const [url, init] = Array.isArray(request) ? request : [request];
  return transport.fetch(new URL(url, BASE), init);
}

async function text(transport, path) {
  return (await transport.fetch(BASE + path)).text();
}
