/**
 * The life of a transport whose engine is told late, beside that of one whose engine is told at once: whatever is
 * done to them, in whatever order, nobody can tell them apart.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as mockwire from "mockwire";
import { allOf, random, settled, withBroken } from "./support.mjs";

const ORIGIN = "https://api.test";
const PATHS = ["/a", "/a", "/a", "/b", "/b", "/c"];

/** Rules that are plain: the engine need not know of them yet. */
const PLAIN = {
  status: (builder) => builder.reply(202),
  text: (builder) => builder.reply("hello"),
  json: (builder) => builder.reply(201, { id: 7 }, { "x-id": "7", "set-cookie": "a=1" }),
  bytes: (builder) => builder.reply(new Uint8Array([104, 105])),
  response: (builder) => builder.reply(new Response("theirs", { status: 203 })),
  handler: (builder) => builder.reply(({ sequence, method }) => ({ sequence, method })),
  "async handler": (builder) => builder.reply(async ({ sequence }) => (await settled(), `${sequence}`)),
  "handler that throws": (builder) => builder.reply(() => { throw new RangeError("no"); }),
  "handler of nothing": (builder) => builder.reply(() => {}),
  stream: (builder) => builder.stream(["one ", "two"]),
  "slow stream": (builder) => builder.stream(["one ", "two"], { gap: 20 }),
  "broken stream": (builder) => builder.stream(["one ", "two"], { end: "reset" }),
  redirect: (builder) => builder.redirect("/b"),
  error: (builder) => builder.error("ECONNRESET"),
  late: (builder) => builder.reply(mockwire.reply.text("late", { delay: 30 })),
  held: (builder) => builder.hold(),
  passthrough: (builder) => builder.passthrough(async () => new Response("from elsewhere")),
};

/** Rules that the engine is told of at once. */
const RICH = {
  once: (builder) => builder.once().reply("once"),
  priority: (builder) => builder.priority(1).reply("first"),
  header: (builder) => builder.header("x-id", "7").reply("header"),
  json: (builder) => builder.jsonAt("/id", 7).reply("json"),
  function: (builder) => builder.matching(({ sequence }) => sequence % 2 === 0).reply("even"),
  second: (builder) => builder.nth(2).reply("second"),
  sequence: (builder) => builder.replySequence([200, "two"]),
  template: (builder) => builder.template("{{method}}"),
  state: (builder) => builder.hasState("key").reply("state"),
};

const INITS = {
  nothing: () => undefined,
  headers: () => ({ headers: { "x-id": "7", authorization: "secret" } }),
  text: () => ({ method: "POST", body: '{"id":7}' }),
  bytes: () => ({ method: "POST", body: new Uint8Array([123, 125]) }),
  form: () => ({ method: "post", body: new URLSearchParams({ a: "1" }) }),
  blob: () => ({ method: "POST", body: new Blob(['{"id":7}']) }),
  stream: () => ({ method: "POST", body: new Blob(["streamed"]).stream(), duplex: "half" }),
  "broken stream": () => ({ method: "POST", body: new ReadableStream({ start: (it) => it.error(new Error("broken")) }), duplex: "half" }),
  head: () => ({ method: "head" }),
  options: () => ({ method: "OPTIONS" }),
  "lower case": () => ({ method: "patch" }),
  "not followed": () => ({ redirect: "manual" }),
  "an error": () => ({ redirect: "error" }),
  "aborted before": () => ({ signal: AbortSignal.abort("before") }),
};

/** What becomes of a response. */
const READINGS = {
  text: (response) => response.text(),
  unread: () => "unread",
  cancelled: (response) => response.body?.cancel(),
  chunk: async (response) => Buffer.from((await response.body?.getReader().read())?.value ?? []).toString(),
  cloned: async (response) => [await response.clone().text(), await response.text()],
};

/** What can be done besides: each gives what is to be seen then. */
const LOOKS = {
  requests: ({ transport }) => transport.requests().map((it) => ({ ...it.toJSON(), error: it.error, cut: it.truncated, params: it.params })),
  "requests of a path": ({ transport }) => transport.requests("/a").map(String),
  "requests of a method": ({ transport }) => transport.requests("POST /b").map(String),
  "requests with a header": ({ transport }) => transport.requests(mockwire.when.hasHeader("x-id")).map(String),
  "requests that a function takes": ({ transport }) => transport.requests(({ outcome }) => outcome === "done").length,
  "the latest": ({ transport }) => [String(transport.lastRequest()), String(transport.lastRequest(/a$/))],
  one: ({ transport }) => String(transport.request(2)),
  counts: ({ transport }) => [transport.count(), transport.count("/a"), transport.droppedRequests],
  calls: ({ rules }) => rules.map((rule) => rule.calls),
  "requests of rules": ({ rules }) => rules.map((rule) => rule.requests().map(({ sequence }) => sequence)),
  names: ({ rules }) => rules.map(String),
  verify: ({ transport }) => transport.verify(),
  "verify leniently": ({ transport }) => transport.verify({ allowUnmatched: true }),
  "verify a scope": ({ scope }) => scope.verify(),
  "expect a call": ({ transport }) => transport.expectCalled("/a", 1),
  "expect an order": ({ transport }) => transport.expectInOrder(["/a", "/b"]),
  "expect none unmatched": ({ transport }) => transport.expectNoUnmatched(),
  timeline: ({ transport }) => transport.timeline({ bodies: true }),
  pending: ({ transport }) => transport.pending(),
  now: ({ transport }) => transport.now(),
  state: ({ transport }) => [transport.state.requestCount, transport.state.toJSON()],
  scenario: ({ transport }) => transport.scenario("name"),
  "the requests to come": ({ transport, number }) => transport.waitForRequests(number + 1).then((requests) => requests.map(String)),
};

const DEEDS = {
  remove: ({ rules, number }) => rules[number]?.remove(),
  "remove again": ({ rules, number }) => rules[number]?.[Symbol.dispose](),
  clear: ({ transport }) => transport.clear(),
  reset: ({ transport }) => transport.reset(),
  dispose: ({ transport }) => transport.dispose(),
  "end the scope": ({ scope }) => scope.dispose(),
  sleep: ({ transport, number }) => transport.sleep(number * 10),
  remember: ({ transport }) => void transport.state.set("key", 1),
  abort: ({ controllers, number }) => controllers[number]?.abort(new Error("enough")),
  wait: () => settled(),
  reply: async ({ helds, number }) => helds[number]?.waiting > 0 && (await helds[number].next()).reply("held"),
  install: ({ transport }) => void transport.install(),
  uninstall: ({ transport }) => transport.uninstall(),
  connect: ({ transport }) => void (new transport.WebSocket(`wss://api.test/a`).onerror = () => {}),
  accept: ({ transport }) => void transport.websocket("/c").accept(),
  outage: ({ transport }) => transport.outage("api.test", { until: 1 }),
  otherwise: ({ transport }) => void transport.otherwise().reply(404),
};

const OPTIONS = [undefined, undefined, { unmatched: 501 }, { realResponse: true }, { baseUrl: ORIGIN }, { timing: "manual" }];

/** A life, drawn from a seed: mostly what needs no engine, so that there is something to be told late. */
function drawn(seed) {
  const next = random(seed);
  const below = (limit) => Math.floor(next() * limit);
  const of = (list) => list[below(list.length)];
  const one = (table) => of(Object.keys(table));
  const steps = Array.from({ length: 3 + below(14) }, () => {
    const kind = of(["plain", "plain", "plain", "fetch", "fetch", "fetch", "fetch", "fetch", "rich", "look", "deed"]);
    const method = of(["GET", "GET", "GET", "POST", "head", undefined]);
    const step = { kind, method, path: of(PATHS), whole: next() < 0.3, scoped: next() < 0.2, number: below(4), awaited: next() < 0.8 };
    if (kind === "fetch") return { ...step, init: one(INITS), reading: one(READINGS), how: of(["text", "text", "URL", "Request", "relative"]) };
    return { ...step, name: one({ plain: PLAIN, rich: RICH, look: LOOKS, deed: DEEDS }[kind]) };
  });
  return { options: of(OPTIONS), steps };
}

/** Lives it, and answers what each step gave. */
async function lived({ MockTransport }, toldAtOnce, { options, steps }) {
  const transport = new MockTransport(options);
  if (toldAtOnce) void transport.epoch;
  const world = { transport, scope: transport.scope(), rules: [], helds: [], controllers: [] };
  const seen = [];
  const note = async (at, attempt) => {
    try {
      seen[at] = { value: await attempt() };
    } catch (error) {
      seen[at] = { error: `${error?.name}: ${error?.message ?? error}`, code: error?.code, cause: String(error?.cause) };
    }
  };
  for (const [at, { kind, name, method, path, whole, scoped, number, init, reading, awaited, how }] of steps.entries()) {
    const target = whole ? ORIGIN + path : path;
    void note(at, () => {
      if (kind === "plain" || kind === "rich") {
        const routes = scoped ? world.scope : transport;
        const builder = method === undefined ? routes.all(target) : routes.on(method, target);
        const made = (kind === "plain" ? PLAIN : RICH)[name](builder);
        if (name === "held") world.helds.push(made);
        else world.rules.push(made);
        return undefined;
      }
      if (kind !== "fetch") return { ...LOOKS, ...DEEDS }[name]({ ...world, number });
      return (async () => {
        const controller = new AbortController();
        world.controllers.push(controller);
        const options = INITS[init]();
        const url = ORIGIN + path;
        const input = { text: url, URL: new URL(url), relative: path, Request: how === "Request" && new Request(url, { ...options, signal: controller.signal }) }[how];
        const all = how === "Request" ? [input] : options === undefined && number < 2 ? [input] : [input, { signal: controller.signal, ...options }];
        const response = await transport.fetch(...all);
        return [response.status, [...response.headers], response.url, response.redirected, await READINGS[reading](response)];
      })();
    });
    // Several requests go on at once, and who waits for requests waits for later ones.
    if (awaited) await quiet();
  }
  const ends = ["requests", "calls", "names", "pending", "verify", "timeline"];
  for (const [at, name] of ends.entries()) await note(steps.length + at, () => LOOKS[name]({ ...world, number: 0 }));
  transport.dispose();
  await quiet();
  return seen;
}

/** Everything that needs no timers has happened, also what the transport's time brings. */
async function quiet() {
  for (let turn = 0; turn < 12; turn += 1) await settled();
}

const SEEDS = Array.from({ length: 1000 }, (_, seed) => seed);

/** The seeds whose two lives differ, with the first step that did. */
async function* disagreements(library) {
  for (const seed of SEEDS) {
    const life = drawn(seed);
    const expected = await lived(mockwire, true, life);
    const actual = await lived(library, false, life);
    const at = expected.findIndex((it, n) => JSON.stringify(it) !== JSON.stringify(actual[n]));
    if (at >= 0) yield { seed, step: life.steps[at], expected: expected[at], actual: actual[at] };
  }
}

describe("a life whose engine is told late is as if it had been told at once", () => {
  test("whatever is done, in whatever order", async () => {
    assert.deepEqual(await allOf(disagreements(mockwire)), []);
  });

  for (const [what, right, wrong] of [
    ["that forgets the requests", "address.line(method2).arrive(engine)", "0"],
    ["that never needs the engine", "get hasEngine(){return this.#engine!==void 0}", "get hasEngine(){return false}"],
  ]) {
    test(`and the control: one ${what} is caught`, async () => {
      const { done } = await withBroken(right, wrong, (broken) => disagreements(broken).next());
      assert.equal(done, false);
    });
  }
});
