/** What was sent can be read, counted, waited for and asserted. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { DisposedError, InvalidArgumentError, InvalidRuleError, MockTransport, UnmatchedRequestError, VerificationError, WaitTimeoutError, when } from "mockwire";
import { failureOf, settled, withTransport } from "./support.mjs";

const BASE = "https://api.test";

/** Three requests: two that a rule takes, one that none does. */
async function threeRequests(transport) {
  const rule = transport.post("/users").reply(201, { id: 1 }, { "set-cookie": "id=1" });
  const headers = { authorization: "Bearer secret", "x-own": "mine", "x-open": "open" };
  await (await transport.fetch(`${BASE}/users?n=1`, { method: "POST", headers, body: '{"name":"a"}' })).text();
  await transport.fetch(`${BASE}/users?n=2`, { method: "POST", headers, body: '{"name":"b"}' });
  await failureOf(transport.fetch(`${BASE}/posts`, { headers }));
  return rule;
}

describe("a captured request", () => {
  test("has everything that was sent, and what became of it", withTransport(async (transport) => {
    const rule = await threeRequests(transport);
    const [first, second, third] = transport.requests();
    assert.deepEqual(
      [first.sequence, first.method, first.url, first.path, first.query.get("n"), first.text(), first.json().name, first.at],
      [1, "POST", `${BASE}/users?n=1`, "/users", "1", '{"name":"a"}', "a", 0],
    );
    assert.deepEqual([...first.bytes()], [...new TextEncoder().encode('{"name":"a"}')]);
    assert.equal(first.headers.get("Authorization"), "Bearer secret");
    assert.deepEqual([first.rule, first.outcome, first.status, first.delivered], [rule, "done", 201, 8]);
    assert.equal(first.responseHeaders.get("content-type"), "application/json");
    assert.deepEqual([second.rule, second.outcome, second.status, second.delivered], [rule, "pending", 201, 0]);
    assert.deepEqual([third.rule, third.outcome, third.status, third.delivered], [undefined, "unmatched", undefined, 0]);
    assert.deepEqual(rule.requests(), [first, second]);
    assert.equal(transport.request(2), second);
    assert.equal(transport.request(4), undefined);
    assert.equal(transport.lastRequest(), third);
    assert.equal(String(first), `#1 POST ${BASE}/users?n=1 -> 201 (done, 8 bytes)`);
  }));

  test("is parsed once, and never stale", withTransport(async (transport) => {
    await threeRequests(transport);
    const [first] = transport.requests();
    assert.equal(first.json(), first.json());
    assert.throws(() => transport.lastRequest().json(), /^SyntaxError: the body of \w+ https:\/\/api\.test\/\S+ \(request #3\) is not JSON: /);
    assert.equal(transport.requests()[0], first);
  }));

  test("its headers cannot be changed", withTransport(async (transport) => {
    await threeRequests(transport);
    assert.throws(() => transport.lastRequest().headers.set("a", "b"), TypeError);
  }));

  test("makes a platform Request again", withTransport(async (transport) => {
    await threeRequests(transport);
    const request = transport.request(1).toRequest();
    assert.deepEqual([request.method, request.url, request.headers.get("x-open"), await request.text()], ["POST", `${BASE}/users?n=1`, "open", '{"name":"a"}']);
  }));

  test("is printed and saved without secrets", withTransport({ redact: ["X-Own"] }, async (transport) => {
    await threeRequests(transport);
    const [first] = transport.requests();
    for (const text of [inspect(first), JSON.stringify(first), inspect(first.headers), inspect(transport.requests()), inspect(first.responseHeaders)]) {
      assert.match(text, /<redacted>/);
      assert.doesNotMatch(text, /secret|mine|id=1/);
    }
    assert.match(inspect(first), /open/);
    const error = await failureOf(transport.fetch(`${BASE}/posts`, { headers: { authorization: "Bearer secret", "x-own": "mine" } }));
    for (const text of [error.message, JSON.stringify(error.diagnosis), inspect(error)]) {
      assert.match(text, /<redacted>/);
      assert.doesNotMatch(text, /secret|mine/);
    }
  }));

  test("tells its state at any time", withTransport(async (transport) => {
    const held = transport.get("/a").hold();
    const response = transport.fetch(`${BASE}/a`);
    const captured = transport.lastRequest();
    assert.deepEqual([captured.outcome, captured.status], ["pending", undefined]);
    (await held.next()).reply("hello");
    const { body } = await response;
    assert.deepEqual([captured.outcome, captured.status], ["pending", 200]);
    await body.cancel();
    assert.deepEqual([captured.outcome, captured.delivered], ["cancelled", 0]);
  }));
});

describe("filters", () => {
  for (const [name, filter, expected] of [
    ["a path", "/users", [1, 2]],
    ["a method and a path", "POST /users", [1, 2]],
    ["another method", "GET /users", []],
    ["a whole URL", "https://api.test/users?n=2", [2]],
    ["a RegExp", /n=1|posts/, [1, 3]],
    ["a function", (request) => request.sequence > 1, [2, 3]],
    ["a condition", when.jsonAt("/name", "b"), [2]],
    ["a condition on headers", when.header("x-open", "open"), [1, 2, 3]],
    ["a condition with a function in it", when.not(when.matching((request) => request.sequence === 2)), [1, 3]],
    ["none", undefined, [1, 2, 3]],
  ]) {
    test(name, withTransport(async (transport) => {
      await threeRequests(transport);
      assert.deepEqual(transport.requests(filter).map((it) => it.sequence), expected);
      assert.equal(transport.count(filter), expected.length);
      assert.equal(transport.lastRequest(filter)?.sequence, expected.at(-1));
    }));
  }

  test("a rule", withTransport(async (transport) => {
    const rule = await threeRequests(transport);
    assert.equal(transport.count(rule), 2);
  }));

  test("what is no filter is named", withTransport(async (transport) => {
    await threeRequests(transport);
    assert.throws(() => transport.requests(5), InvalidArgumentError);
    assert.throws(() => transport.requests("users"), (error) => error instanceof InvalidRuleError && /users/.test(error.message));
    assert.throws(() => transport.requests(when.matching(() => { throw new Error("oops"); })), /oops/);
  }));
});

describe("waiting", () => {
  test("for requests that are yet to come", withTransport(async (transport) => {
    transport.get("*").reply(200);
    const waiting = transport.waitForRequests(2, { matching: "/b" });
    for (const path of ["/b", "/a", "/b", "/b"]) await transport.fetch(BASE + path);
    assert.deepEqual((await waiting).map((it) => it.sequence), [1, 3]);
    assert.equal((await transport.waitForRequests(4)).length, 4);
  }));

  test("not longer than it makes sense: with instant timing a deadline comes when all has settled", withTransport(async (transport) => {
    transport.get("*").reply(200);
    const began = transport.now();
    const waiting = transport.waitForRequests(3, { timeout: 60_000, matching: "/a" });
    await transport.fetch(`${BASE}/a`);
    await Promise.resolve();
    await transport.fetch(`${BASE}/a`);
    const error = await failureOf(waiting);
    assert.ok(error instanceof WaitTimeoutError);
    assert.equal(error.code, "MOCKWIRE_TIMED_OUT");
    assert.match(error.message, /for 3 requests of \/a, but only 2 came/);
    assert.equal(transport.now() - began, 60_000);
  }));

  test("with manual timing, time is the test's", withTransport({ timing: "manual" }, async (transport) => {
    const waiting = transport.waitForRequests(1, { timeout: 100 });
    waiting.catch(() => {});
    transport.advance(99);
    await settled();
    transport.get("*").reply(200);
    await transport.fetch(BASE);
    assert.equal((await waiting)[0].at, 99);
    const late = transport.waitForRequests(2, { timeout: 100 });
    transport.advance(100);
    assert.ok((await failureOf(late)) instanceof WaitTimeoutError);
  }));

  test("ends when the transport is disposed", async () => {
    const transport = new MockTransport();
    const waiting = transport.waitForRequests(1);
    transport.dispose();
    assert.ok((await failureOf(waiting)) instanceof DisposedError);
  });
});

describe("assertions", () => {
  test("called so often", withTransport(async (transport) => {
    const rule = await threeRequests(transport);
    transport.expectCalled(rule);
    transport.expectCalled(rule, 2);
    transport.expectCalled("POST /users", { min: 1, max: 2 });
    transport.expectCalled(when.jsonAt("/name", "a"), 1);
    transport.expectCalled("/nothing", 0);
    for (const [filter, times, message] of [
      [rule, 3, /expected POST \/users \(capture\.test\.mjs:\d+:\d+\) to be called 3 times, but it was called 2 times; captured were:\n {2}#1 POST/],
      ["/nothing", undefined, /expected \/nothing to be called at least once, but it never was; captured were:/],
      ["/users", { max: 1 }, /at most once/],
      ["/users", 0, /not to be called/],
    ]) {
      assert.throws(() => transport.expectCalled(filter, times), (error) => error instanceof VerificationError && message.test(error.message));
    }
  }));

  test("so often is a number, or bounds", withTransport(async (transport) => {
    for (const times of ["1", null, { least: 1 }, -1, 0.5, { min: 2, max: 1 }]) {
      assert.throws(() => transport.expectCalled("/users", times), (error) => error instanceof InvalidArgumentError && /^expectCalled\(\) takes/.test(error.message));
    }
  }));

  test("in this order", withTransport(async (transport) => {
    await threeRequests(transport);
    transport.expectInOrder(["POST /users", "/posts"]);
    transport.expectInOrder([when.jsonAt("/name", "a"), when.jsonAt("/name", "b")]);
    assert.throws(() => transport.expectInOrder(["/posts", "/users"]), /expected \/users after #3 \(\/posts\), but there was none/);
  }));

  test("nothing unmatched", withTransport(async (transport) => {
    transport.get("/a").reply(200);
    await transport.fetch(`${BASE}/a`);
    transport.expectNoUnmatched();
    await failureOf(transport.fetch(`${BASE}/b`));
    assert.throws(() => transport.expectNoUnmatched(), /#2 GET https:\/\/api\.test\/b \(unmatched/);
  }));

  test("everything as expected: a rule that must answer, and every request answered", withTransport(async (transport) => {
    transport.get("/a").times({ min: 2 }).reply(200);
    transport.get("/b").once().optional().reply(200);
    await transport.fetch(`${BASE}/a`, { headers: { "x-a": "1" } });
    assert.throws(() => transport.verify(), (error) => {
      assert.ok(error instanceof VerificationError);
      assert.equal(error.code, "MOCKWIRE_VERIFICATION");
      assert.match(error.message, /GET \/a/);
      assert.match(error.message, /capture\.test\.mjs:\d+:\d+/);
      assert.match(error.message, /at least 2 times, but has answered once/);
      return true;
    });
    await transport.fetch(`${BASE}/a`);
    transport.verify();
    await failureOf(transport.fetch(`${BASE}/c`));
    assert.throws(() => transport.verify(), /no rule matched GET https:\/\/api\.test\/c/);
    transport.verify({ allowUnmatched: true });
  }));

  test("a scope verifies its rules and takes them back", withTransport(async (transport) => {
    transport.get("/a").reply("transport");
    const scope = transport.scope();
    scope.get("/a").priority(1).once().reply("scope");
    assert.equal(await (await transport.fetch(`${BASE}/a`)).text(), "scope");
    scope.dispose();
    scope[Symbol.dispose]();
    assert.equal(await (await transport.fetch(`${BASE}/a`)).text(), "transport");

    const other = transport.scope();
    const rule = other.get("/b").once().reply(200);
    await failureOf(transport.fetch(`${BASE}/c`));
    assert.throws(() => other.dispose(), (error) => {
      assert.ok(error instanceof VerificationError);
      assert.match(error.message, /GET \/b/);
      assert.doesNotMatch(error.message, /no rule matched/, "what others did is not its business");
      return true;
    });
    assert.equal(rule.isActive, false);
    assert.ok((await failureOf(transport.fetch(`${BASE}/b`))) instanceof UnmatchedRequestError);
  }));
});

describe("memory", () => {
  test("the journal keeps so many requests, and forgets the oldest", withTransport({ journal: { requests: 10 } }, async (transport) => {
    transport.get("*").reply(200, "x");
    const first = transport.fetch(`${BASE}/0`);
    const kept = transport.lastRequest();
    for (let n = 1; n < 1000; n += 1) await (await transport.fetch(`${BASE}/${n}`)).text();
    assert.deepEqual(transport.requests().map((it) => it.sequence), [991, 992, 993, 994, 995, 996, 997, 998, 999, 1000]);
    assert.equal(transport.count(), 10);
    assert.equal(transport.request(990), undefined);
    assert.equal(transport.requests("/995").length, 1);
    assert.equal(await (await first).text(), "x", "a response outlives what was captured of it");
    assert.equal(kept.path, "/0");
    assert.equal(transport.lastRequest().outcome, "done");
  }));

  test("of a long body only so much is kept, but all of it is matched and handled", withTransport({ journal: { bodyBytes: 4 } }, async (transport) => {
    let handled;
    transport.post("/a").bodyContains("789").reply((request) => ((handled = request.text()), 200));
    const response = await transport.fetch(`${BASE}/a`, { method: "POST", body: "123456789" });
    assert.equal(handled, "123456789");
    await response.text();
    const captured = transport.lastRequest();
    assert.deepEqual([captured.text(), captured.truncated], ["1234", true]);
    await transport.fetch(`${BASE}/a`, { method: "POST", body: new Blob(["789"]) });
    assert.equal(transport.lastRequest().truncated, false);
    await failureOf(transport.fetch(`${BASE}/none`, { method: "POST", body: "123456789" }));
    assert.equal(transport.lastRequest().text(), "1234");
  }));

  test("clear() forgets what was captured; rules stay, numbers go on", withTransport(async (transport) => {
    const rule = await threeRequests(transport);
    const pending = await transport.fetch(`${BASE}/users`, { method: "POST" });
    transport.clear();
    assert.deepEqual([transport.count(), rule.calls, transport.requests()], [0, 3, []]);
    transport.verify();
    await pending.text();
    await transport.fetch(`${BASE}/users`, { method: "POST" });
    assert.deepEqual(transport.requests().map((it) => [it.sequence, it.outcome]), [[5, "pending"]]);
  }));

  test("reset() forgets everything, and numbers start over", withTransport(async (transport) => {
    const rule = await threeRequests(transport);
    const unread = await transport.fetch(`${BASE}/users`, { method: "POST" });
    const held = transport.get("/held").hold();
    const waiting = failureOf(transport.fetch(`${BASE}/held`));
    transport.setScenario("s", "moved");
    transport.reset();
    assert.ok((await waiting) instanceof DisposedError);
    assert.deepEqual([transport.count(), transport.scenario("s"), rule.isActive, rule.calls, held.rule.isActive], [0, "started", false, 3, false]);
    transport.get("/a").reply("again");
    const response = await transport.fetch(`${BASE}/a`);
    await unread.text();
    assert.deepEqual(transport.requests().map((it) => [it.sequence, it.outcome]), [[1, "pending"]], "an old response does not end a new exchange");
    assert.equal(await response.text(), "again");
  }));
});
