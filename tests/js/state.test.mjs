/** What a conversation remembers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DisposedError, InvalidArgumentError, MockTransport, State, UnmatchedRequestError, when } from "mockwire";
import { failureOf, withTransport } from "./support.mjs";

const get = async (transport, path) => (await transport.fetch(`https://api.test${path}`)).text();

test("a value is set, read, changed and taken away by its key", withTransport(({ state }) => {
  assert.deepEqual([state.get("a"), state.has("a"), state.delete("a")], [undefined, false, false]);
  assert.equal(state.set("a", 1).set("b", [{ c: null }]).get("a"), 1);
  assert.equal(state.update("a", (a) => a + 1), 2);
  assert.equal(state.update("new", (it) => it ?? "fresh"), "fresh");
  assert.deepEqual(state.toJSON(), { a: 2, b: [{ c: null }], new: "fresh" });
  assert.equal(JSON.stringify({ state }), '{"state":{"a":2,"b":[{"c":null}],"new":"fresh"}}');
  assert.equal(state.delete("a"), true);
  state.clear();
  assert.deepEqual(state.toJSON(), {});
}));

test("values are frozen copies", withTransport(({ state }) => {
  const basket = { items: ["tea"] };
  const kept = state.set("basket", basket).get("basket");
  basket.items.push("milk");
  assert.deepEqual(kept, { items: ["tea"] });
  assert.equal(state.get("basket"), kept);
  assert.throws(() => kept.items.push("milk"), TypeError);
  assert.deepEqual(state.set("date", new Date(0)).get("date"), "1970-01-01T00:00:00.000Z");
  assert.deepEqual(state.set("__proto__", { polluted: true }).get("__proto__"), { polluted: true });
  assert.equal({}.polluted, undefined);
}));

test("what is no JSON is refused, and changes nothing", withTransport(({ state }) => {
  const cycle = {};
  cycle.cycle = cycle;
  for (const value of [undefined, () => {}, Symbol("s"), 1n, cycle]) {
    state.set("a", "before");
    assert.throws(() => state.set("a", value), (error) => error instanceof InvalidArgumentError && error.code === "MOCKWIRE_INVALID_JSON");
    assert.equal(state.get("a"), "before");
  }
  assert.throws(() => state.set(1, 1), InvalidArgumentError);
}));

test("handlers write what conditions ask for", withTransport(async (transport) => {
  transport.post("/login").reply((request, { state }) => {
    state.set("user", { name: request.json().name, roles: ["admin"] });
    return 204;
  });
  transport.get("/me").stateIs("user", { roles: ["admin"], name: "Ada" }).reply("Ada Lovelace");
  transport.get("/me").hasState("user").reply((_, { state }) => state.get("user").name);
  transport.get("/me").withoutState("user").reply(401, "nobody");
  assert.equal(await get(transport, "/me"), "nobody");
  const login = (name) => transport.fetch("https://api.test/login", { method: "POST", body: JSON.stringify({ name }) });
  await login("Ada");
  assert.equal(await get(transport, "/me"), "Ada Lovelace");
  await login("Bob");
  assert.equal(await get(transport, "/me"), "Bob");
  transport.state.delete("user");
  assert.equal(await get(transport, "/me"), "nobody");
}));

test("numbers are equal however they are written, and conditions combine", withTransport(async (transport) => {
  transport.get("/").any(when.stateIs("n", 1.0), when.not(when.hasState("n"))).reply("yes");
  transport.otherwise().reply("no");
  assert.equal(await get(transport, "/"), "yes");
  transport.state.set("n", 1);
  assert.equal(await get(transport, "/"), "yes");
  transport.state.set("n", "1");
  assert.equal(await get(transport, "/"), "no");
}));

test("predicates and asynchronous handlers read it too", withTransport(async (transport) => {
  const { state } = transport;
  transport.get("/").matching(() => state.get("open") === true).reply(async (request, context) => {
    await transport.sleep(5);
    return `turn ${context.state.update("turn", (turn = 0) => turn + 1)} of ${request.path}`;
  });
  transport.otherwise().reply("closed");
  assert.equal(await get(transport, "/"), "closed");
  state.set("open", true);
  assert.deepEqual(await Promise.all([get(transport, "/"), get(transport, "/")]), ["turn 1 of /", "turn 2 of /"]);
}));

test("a condition that is not met tells what the state is", withTransport(async (transport) => {
  transport.get("/").stateIs("user", "Ada").reply("x");
  transport.state.set("user", "Bob");
  const error = await failureOf(get(transport, "/"));
  assert.ok(error instanceof UnmatchedRequestError);
  assert.match(error.message, /✗ state user +expected "Ada"\n +actual +"Bob"/);
}));

test("requests are counted, also before anybody asks, and whether or not they match", withTransport(async (transport) => {
  transport.get("/").reply("x");
  await get(transport, "/");
  await failureOf(get(transport, "/unknown"));
  const { state } = transport;
  assert.equal(state.requestCount, 2);
  await get(transport, "/");
  transport.clear(); // forgets captures
  assert.equal(state.requestCount, 3);
  state.clear();
  assert.equal(state.requestCount, 0);
  await get(transport, "/");
  assert.equal(state.requestCount, 1);
}));

test("a reset empties it, for every handle and every condition", withTransport(async (transport) => {
  const { state } = transport;
  state.set("a", 1);
  transport.get("/").reply("x");
  await get(transport, "/");
  transport.reset();
  assert.deepEqual([state.toJSON(), state.requestCount, transport.state], [{}, 0, state]);
  transport.get("/").hasState("a").reply("still there");
  transport.get("/").reply("gone");
  assert.equal(await get(transport, "/"), "gone");
}));

test("no state goes from one transport to the next", async () => {
  for (let turn = 0; turn < 20; turn += 1) {
    const transport = new MockTransport();
    assert.deepEqual([transport.state.toJSON(), transport.state.requestCount], [{}, 0]);
    transport.get("/").hasState("a").reply("another's");
    transport.get("/").reply("none");
    assert.equal(await get(transport, "/"), "none");
    const { state } = transport.state.set("a", turn) && transport;
    transport.dispose();
    for (const use of [() => transport.state, () => state.get("a"), () => state.set("a", 1), () => state.requestCount, () => JSON.stringify(state)]) {
      assert.throws(use, DisposedError);
    }
  }
});

test("one that belongs to nothing", () => {
  const state = new State();
  assert.equal(state.set("a", 1).get("a"), 1);
  assert.equal(state.requestCount, 0);
});
