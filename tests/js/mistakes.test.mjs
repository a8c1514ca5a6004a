/** Bad input: each a typed error that names what and where, after which the transport goes on. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AlreadyInstalledError,
  DisposedError,
  HandlerError,
  InvalidArgumentError,
  InvalidReplyError,
  InvalidRequestError,
  InvalidRuleError,
  MockTransport,
  MockwireError,
  reply,
  when,
} from "mockwire";
import { failureOf, settled, withTransport } from "./support.mjs";

const BASE = "https://api.test";
const circle = {};
circle.circle = circle;

describe("rules", () => {
  for (const [name, make, type, code, message] of [
    ["a path without a slash", (t) => t.get("users").reply(200), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /GET users.*begins with/],
    ["a fragment", (t) => t.get("https://api.test/a#b").reply(200), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /no fragment/],
    ["a host in one bracket", (t) => t.get("https://[::1/a").reply(200), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /two brackets/],
    ["an open brace", (t) => t.get("/a/{id").reply(200), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /\/a\/\{id/],
    ["a target of the wrong type", (t) => t.get(5), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /not 5/],
    ["a target that is an object", (t) => t.get({ path: "/" }), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /an object/],
    ["a method with a space", (t) => t.on("GE T", "/"), InvalidRuleError, "MOCKWIRE_INVALID_METHOD", /'GE T'/],
    ["a forbidden method", (t) => t.on("CONNECT", "/"), InvalidRuleError, "MOCKWIRE_INVALID_METHOD", /CONNECT/],
    ["a header name with a space", (t) => t.get("/").header("x a", "1").reply(200), InvalidRuleError, "MOCKWIRE_INVALID_HEADER_NAME", /x a/],
    ["a header value of the wrong type", (t) => t.get("/").header("a", 1), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /header\(\).*not 1/],
    ["a pointer without a slash", (t) => t.get("/").jsonAt("a", 1).reply(200), InvalidRuleError, "MOCKWIRE_INVALID_JSON", /"a"/],
    ["JSON that is none", (t) => t.get("/").json(undefined), InvalidRuleError, "MOCKWIRE_INVALID_JSON", /undefined is not JSON/],
    ["JSON in a circle", (t) => t.get("/").json(circle), InvalidRuleError, "MOCKWIRE_INVALID_JSON", /cannot be written/],
    ["a condition that is none", (t) => t.get("/").not("a"), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /not\(\)/],
    ["matching nothing", (t) => t.get("/").matching(undefined), InvalidRuleError, "MOCKWIRE_INVALID_PATTERN", /matching\(\)/],
    ["a negative count", (t) => t.get("/").times(-1), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /times\(\).*-1/],
    ["a count that is text", (t) => t.get("/").times("3"), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /times\(\).*not "3"/],
    ["bounds of other names", (t) => t.get("/").times({ minimum: 1 }), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /times\(\).*\{"minimum":1\}/],
    ["max below min", (t) => t.get("/").times({ min: 2, max: 1 }), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /times\(\)/],
    ["a priority that is no number", (t) => t.get("/").priority("high"), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /priority\(\)/],
    ["a state without a scenario", (t) => t.get("/").whenState("a"), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /inScenario\(\) before/],
    ["an empty sequence", (t) => t.get("/").replySequence([]), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /at least one/],
    ["an unknown end of a sequence", (t) => t.get("/").replySequence([200], { end: "stop" }), InvalidRuleError, "MOCKWIRE_INVALID_OPTION", /fail, repeat or cycle/],
  ]) {
    test(name, withTransport(async (transport) => {
      const error = await failureOf(() => make(transport));
      assert.ok(error instanceof type, String(error));
      assert.ok(error instanceof MockwireError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      await works(transport);
    }));
  }
});

describe("replies", () => {
  for (const [name, make, code, message] of [
    ["a status below 200", (t) => t.get("/").reply(101), "MOCKWIRE_INVALID_STATUS", /200 to 599, not 101/],
    ["a status above 599", (t) => t.get("/").reply(600), "MOCKWIRE_INVALID_STATUS", /not 600/],
    ["a status that is no whole number", (t) => t.get("/").reply(200.5), "MOCKWIRE_INVALID_STATUS", /not 200.5/],
    ["a status of the wrong type", () => reply.json({}, { status: "200" }), "MOCKWIRE_INVALID_STATUS", /"200"/],
    ["a body on 204", (t) => t.get("/").reply(204, "x"), "MOCKWIRE_BODY_NOT_ALLOWED", /204/],
    ["a stream on 304", (t) => t.get("/").stream(["x"], { status: 304 }), "MOCKWIRE_BODY_NOT_ALLOWED", /304/],
    ["a header name with a space", (t) => t.get("/").reply(200, "", { "x a": "1" }), "MOCKWIRE_INVALID_HEADER_NAME", /x a/],
    ["a header value with a line break", (t) => t.get("/").reply(200, "", { a: "1\n2" }), "MOCKWIRE_INVALID_HEADER_VALUE", /of a/],
    ["undefined", (t) => t.get("/").reply(undefined), "MOCKWIRE_INVALID_BODY", /undefined/],
    ["a function as a body", (t) => t.get("/").reply(200, () => {}), "MOCKWIRE_INVALID_BODY", /function/],
    ["JSON in a circle", (t) => t.get("/").reply(circle), "MOCKWIRE_INVALID_JSON", /cannot be written/],
    ["a bigint as JSON", () => reply.json({ n: 1n }), "MOCKWIRE_INVALID_JSON", /cannot be written as JSON \(TypeError: .*BigInt\)/],
    ["a bigint in a line", () => reply.ndjson([1n]), "MOCKWIRE_INVALID_JSON", /a line: .*BigInt/],
    ["a bigint in an event", () => reply.events([{ data: { n: 1n } }]), "MOCKWIRE_INVALID_JSON", /the data of an event: .*BigInt/],
    ["a script whose steps are no array", () => reply.script({ steps: "a" }), "MOCKWIRE_INVALID_OPTION", /`steps` that are "a"/],
    ["a script with a step that is nothing", () => reply.script({ steps: [null] }), "MOCKWIRE_INVALID_BODY", /not null/],
    ["a symbol as JSON", () => reply.json(Symbol("s")), "MOCKWIRE_INVALID_JSON", /not JSON/],
    ["a Response that was read", (t) => { const r = new Response("x"); r.text(); t.get("/").reply(r); }, "MOCKWIRE_INVALID_BODY", /read already/],
    ["a redirect with another status", (t) => t.get("/").redirect("/", 200), "MOCKWIRE_INVALID_STATUS", /not 200/],
    ["a stream of a number", (t) => t.get("/").stream(5), "MOCKWIRE_INVALID_BODY", /not 5/],
    ["a template that is no text", (t) => t.get("/").template(5), "MOCKWIRE_INVALID_TEMPLATE", /not 5/],
    ["an error that is none", (t) => t.get("/").error(5), "MOCKWIRE_INVALID_OPTION", /not 5/],
    ["a passthrough to nowhere", (t) => t.get("/").passthrough(undefined), "MOCKWIRE_INVALID_OPTION", /undefined/],
  ]) {
    test(name, withTransport(async (transport) => {
      const error = await failureOf(() => make(transport));
      assert.ok(error instanceof InvalidReplyError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      await works(transport);
    }));
  }

  test("a template with an unknown placeholder", withTransport(async (transport) => {
    assert.throws(() => transport.get("/").template("{{nope}}"), (error) => error.code === "MOCKWIRE_INVALID_TEMPLATE" && /nope/.test(error.message));
    await works(transport);
  }));

  test("a piece of a stream of the wrong type", withTransport(async (transport) => {
    assert.throws(() => transport.get("/").stream(["a", 5]), InvalidReplyError);
    await works(transport);
    transport.get("/later").stream(function* () { yield 5; });
    assert.ok((await failureOf((await transport.fetch(`${BASE}/later`)).text())) instanceof InvalidReplyError);
  }));
});

describe("options", () => {
  for (const [name, options] of [
    ["options that are a number", 5],
    ["an unknown option", { sed: 1 }],
    ["a seed that is no whole number", { seed: 0.5 }],
    ["a negative cap", { journal: { requests: -1 } }],
    ["a journal that is null", { journal: null }],
    ["a name to redact that is a number", { redact: [1] }],
    ["an impossible status", { unmatched: 99 }],
    ["an unknown way to treat the unmatched", { unmatched: "ignore" }],
    ["an unknown timing", { timing: "fast" }],
  ]) {
    test(name, () => {
      assert.throws(() => new MockTransport(options), (error) => error instanceof InvalidArgumentError && error.code === "MOCKWIRE_INVALID_OPTION");
    });
  }

  test("a base URL that is relative", () => {
    assert.throws(() => new MockTransport({ baseUrl: "/v1" }), InvalidRequestError);
  });

  test("a header name to redact that is none", () => {
    assert.throws(() => new MockTransport({ redact: ["a b"] }), (error) => error instanceof MockwireError && error.code === "MOCKWIRE_INVALID_HEADER_NAME");
  });

  test("arguments of the transport's methods", withTransport(async (transport) => {
    assert.throws(() => transport.advance(-1), InvalidArgumentError);
    assert.throws(() => transport.advance("1"), InvalidArgumentError);
    assert.ok((await failureOf(transport.waitForRequests("1"))) instanceof InvalidArgumentError);
    await works(transport);
  }));
});

describe("requests that the engine cannot read", () => {
  test("a URL that is too long is an error, and no request", withTransport(async (transport) => {
    transport.all("*").reply(200);
    const error = await failureOf(transport.fetch(`${BASE}/${"x".repeat(70_000)}`));
    assert.ok(error instanceof InvalidRequestError);
    assert.equal(error.code, "MOCKWIRE_INVALID_URL");
    assert.equal(transport.count(), 0);
    await works(transport);
    assert.equal(transport.lastRequest().sequence, 1);
  }));
});

describe("functions of the test that fail", () => {
  for (const [name, predicate, message] of [
    ["throws", () => { throw new RangeError("oops"); }, /RangeError: oops/],
    ["throws nothing useful", () => { throw undefined; }, /undefined/],
    ["is async", async () => true, /promise/],
  ]) {
    test(`a predicate that ${name} fails the request`, withTransport(async (transport) => {
      transport.get("/a").matching(predicate).reply(200);
      const error = await failureOf(transport.fetch(`${BASE}/a`));
      assert.ok(error instanceof HandlerError);
      assert.match(error.message, message);
      assert.equal(transport.lastRequest().outcome, "failed");
      assert.deepEqual(transport.requests(when.url("/b")), []);
      await works(transport);
    }));
  }

  test("a predicate may take its own rule back, or everything", withTransport(async (transport) => {
    const rule = transport.get("/a").matching(() => (rule.remove(), true)).reply("gone");
    assert.ok((await failureOf(transport.fetch(`${BASE}/a`))) instanceof MockwireError);
    transport.get("/a").matching(() => (transport.reset(), true)).reply("gone");
    assert.ok((await failureOf(transport.fetch(`${BASE}/a`))) instanceof MockwireError);
    await works(transport);
    assert.equal(transport.lastRequest().sequence, transport.count());
  }));

  test("a body that fails to arrive fails the request", withTransport(async (transport) => {
    transport.post("/a").reply(200);
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("broken")) });
    const error = await failureOf(transport.fetch(`${BASE}/a`, { method: "POST", body, duplex: "half" }));
    assert.deepEqual([error.message, error.cause.message], ["fetch failed", "broken"]);
    assert.equal(transport.lastRequest().outcome, "failed");
  }));
});

describe("after dispose", () => {
  const after = () => {
    const transport = new MockTransport();
    const rule = transport.get("/a").reply(200);
    const builder = transport.get("/b");
    const scope = transport.scope();
    transport.dispose();
    return { transport, rule, builder, scope };
  };
  for (const [name, use] of Object.entries({
    fetch: ({ transport }) => transport.fetch(BASE),
    "a new rule": ({ transport }) => transport.get("/").reply(200),
    "a rule begun before": ({ builder }) => builder.reply(200),
    "a rule of a scope": ({ scope }) => scope.get("/").reply(200),
    "rule.remove": ({ rule }) => rule.remove(),
    "rule.calls": ({ rule }) => rule.calls,
    "rule.requests": ({ rule }) => rule.requests(),
    requests: ({ transport }) => transport.requests(),
    request: ({ transport }) => transport.request(1),
    lastRequest: ({ transport }) => transport.lastRequest(),
    count: ({ transport }) => transport.count(),
    waitForRequests: ({ transport }) => transport.waitForRequests(1),
    expectCalled: ({ transport }) => transport.expectCalled("/a"),
    expectInOrder: ({ transport }) => transport.expectInOrder(["/a"]),
    expectNoUnmatched: ({ transport }) => transport.expectNoUnmatched(),
    verify: ({ transport }) => transport.verify(),
    "scope.verify": ({ scope }) => scope.verify(),
    scope: ({ transport }) => transport.scope(),
    scenario: ({ transport }) => transport.scenario("a"),
    setScenario: ({ transport }) => transport.setScenario("a", "b"),
    now: ({ transport }) => transport.now(),
    advance: ({ transport }) => transport.advance(1),
    sleep: ({ transport }) => transport.sleep(1),
    pending: ({ transport }) => transport.pending(),
    clear: ({ transport }) => transport.clear(),
    reset: ({ transport }) => transport.reset(),
    install: ({ transport }) => transport.install(),
  })) {
    test(name, async () => {
      const error = await failureOf(() => use(after()));
      assert.ok(error instanceof DisposedError, String(error));
      assert.equal(error.code, "MOCKWIRE_DISPOSED");
    });
  }

  test("what does nothing any more does no harm", () => {
    const { transport, rule, scope } = after();
    transport.dispose();
    transport[Symbol.dispose]();
    transport.uninstall();
    scope.dispose();
    rule[Symbol.dispose]();
  });

  test("what was captured before can be read", async () => {
    const transport = new MockTransport();
    transport.post("/a").reply("x");
    const response = await transport.fetch(`${BASE}/a`, { method: "POST", body: "hello" });
    const captured = transport.lastRequest();
    assert.equal(captured.outcome, "pending");
    transport.dispose();
    assert.deepEqual([captured.text(), captured.outcome, captured.params], ["hello", "pending", {}]);
    assert.equal(await response.text(), "x", "and a response is its owner's");
  });
});

describe("dispose while requests are going on", () => {
  test("they reject", async () => {
    const transport = new MockTransport();
    const held = transport.get("/held").hold();
    transport.get("/slow").reply(() => new Promise(() => {}));
    transport.get("/stream").stream(async function* () { yield "a"; await new Promise(() => {}); });
    const errors = ["/held", "/slow"].map((path) => failureOf(transport.fetch(BASE + path)));
    const reader = (await transport.fetch(`${BASE}/stream`)).body.getReader();
    await reader.read();
    errors.push(failureOf(reader.read()), failureOf(held.next().then(() => held.next())));
    transport.dispose();
    for (const error of await Promise.all(errors)) assert.ok(error instanceof DisposedError, String(error));
  });

  test("from inside a handler", async () => {
    const transport = new MockTransport();
    transport.get("/a").reply(() => (transport.dispose(), "x"));
    await (await transport.fetch(`${BASE}/a`)).text();
    assert.ok((await failureOf(transport.fetch(BASE))) instanceof DisposedError);
  });

  test("from inside an async handler", async () => {
    const transport = new MockTransport();
    transport.get("/a").reply(async () => (await settled(), transport.dispose(), "x"));
    assert.ok((await failureOf(transport.fetch(`${BASE}/a`))) instanceof DisposedError);
  });

  test("from inside a predicate, which the engine is just asking", async () => {
    const transport = new MockTransport();
    transport.get("/a").matching(() => (transport.dispose(), true)).reply("x");
    assert.ok((await failureOf(transport.fetch(`${BASE}/a`))) instanceof DisposedError);
    assert.ok((await failureOf(transport.fetch(BASE))) instanceof DisposedError);
    await works(new MockTransport());
  });

  test("from inside a filter", async () => {
    const transport = new MockTransport();
    transport.get("*").reply(200);
    await transport.fetch(BASE);
    await failureOf(() => transport.requests(when.matching(() => (transport.dispose(), true))));
    assert.ok((await failureOf(transport.fetch(BASE))) instanceof DisposedError);
  });

  test("from inside a stream", async () => {
    const transport = new MockTransport();
    transport.get("/a").stream(function* () { yield "a"; transport.dispose(); yield "b"; });
    assert.ok((await failureOf((await transport.fetch(`${BASE}/a`)).text())) instanceof DisposedError);
  });
});

describe("install", () => {
  test("stands in for the global fetch, and gives it back", withTransport(async (transport) => {
    const original = globalThis.fetch;
    transport.get("/a").reply("mock");
    transport.install();
    transport.install();
    assert.equal(await (await fetch(`${BASE}/a`)).text(), "mock");
    transport.uninstall();
    transport.uninstall();
    assert.equal(globalThis.fetch, original);
  }));

  test("one at a time", withTransport(async (transport) => {
    const original = globalThis.fetch;
    const other = new MockTransport();
    transport.install();
    assert.throws(() => other.install(), (error) => error instanceof AlreadyInstalledError && error.code === "MOCKWIRE_ALREADY_INSTALLED");
    other.dispose();
    assert.equal(globalThis.fetch, transport.fetch, "another's dispose does not uninstall");
    transport.dispose();
    assert.equal(globalThis.fetch, original);
  }));

  test("what somebody else put there since stays", withTransport(async (transport) => {
    const original = globalThis.fetch;
    transport.install();
    const theirs = (globalThis.fetch = async () => new Response());
    transport.uninstall();
    assert.equal(globalThis.fetch, theirs);
    globalThis.fetch = original;
  }));
});

async function works(transport) {
  transport.get("/works").priority(9).reply("works");
  assert.equal(await (await transport.fetch(`${BASE}/works`)).text(), "works");
}

test("a rule of a disposed transport says so, and does not trap", () => {
  const transport = new MockTransport();
  const plain = transport.get("/plain").reply(204);
  const rich = transport.get("/rich").header("x-id", "7").reply(204);
  transport.dispose();
  for (const rule of [plain, rich]) {
    assert.notEqual(String(rule), "");
    assert.throws(() => rule.calls, DisposedError);
    assert.throws(() => rule.remove(), DisposedError);
  }
});
