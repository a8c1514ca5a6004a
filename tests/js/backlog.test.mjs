/**
 * Who makes plain rules and gets what they say needs no engine, and none is compiled. Nobody can tell otherwise:
 * a transport that was told of its rules at once, and one that is told of them late, go the same way.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import * as mockwire from "mockwire";
import { allOf, withBroken } from "./support.mjs";

const { NODE_TEST_CONTEXT: _, ...env } = process.env;

/** How many modules a fresh process has compiled when it has done this with a transport that has answered. */
function compiledBy(more) {
  const code = `
    let modules = 0;
    const { Module } = WebAssembly;
    WebAssembly.Module = class extends Module { constructor(bytes) { super(bytes); modules += 1; } };
    const { MockTransport } = await import("mockwire");
    const transport = new MockTransport();
    const rule = transport.post("https://api.test/v1/messages").reply(200, { id: 7 });
    transport.get("/health").reply(204);
    const { fetch } = transport;
    await (await fetch("https://api.test/v1/messages", { method: "POST", body: "hello" })).json();
    await fetch("http://localhost:3000/health");
    ${more}
    console.log(modules);`;
  const flags = ["--no-warnings", "--input-type=module", "--eval", code];
  return Number(execFileSync(process.execPath, flags, { cwd: import.meta.dirname, env, encoding: "utf8" }));
}

describe("no module is compiled", () => {
  for (const [what, code] of Object.entries({
    "to read what was sent": `
      const [sent] = transport.requests();
      if (sent.text() !== "hello" || sent.status !== 200 || transport.count() !== 2) throw new Error("wrong");
      if (transport.lastRequest().url !== "http://localhost:3000/health") throw new Error("wrong");
      if (rule.requests().length !== 1) throw new Error("wrong");`,
    "to verify": `transport.verify(); transport.expectNoUnmatched();`,
    "to dispose": `transport.dispose(); transport.dispose();`,
    "for a thousand transports": `
      for (let n = 0; n < 1000; n += 1) {
        const another = new MockTransport();
        another.get("/health").reply(204);
        await another.fetch("https://api.test/health");
        another.dispose();
      }`,
  })) {
    test(what, () => assert.equal(compiledBy(code), 0));
  }
});

describe("one module is compiled", () => {
  for (const [what, code] of Object.entries({
    "for a request that no rule is for": `await fetch("https://api.test/").catch(() => {});`,
    "for a rule that is not plain": `transport.get("/users/:id").reply(200);`,
    "to tell how often a rule has answered": `if (rule.calls !== 1) throw new Error("wrong");`,
    "to find requests": `if (transport.requests("POST /v1/messages").length !== 1) throw new Error("wrong");`,
    "when there are many rules": `for (let n = 0; n < 15; n += 1) transport.get("/" + n).reply(204);`,
    "when there are many requests": `for (let n = 0; n < 63; n += 1) await fetch("http://localhost/health");`,
  })) {
    test(what, () => assert.equal(compiledBy(code), 1));
  }
});

/** A small generator of numbers: the same seed, the same case. */
function random(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const KINDS = [...Array(6).fill("rule"), ...Array(8).fill("request"), "remove", "all", "calls", "clear"];
const METHODS = ["GET", "GET", "GET", "GET", "POST", "HEAD"];
const ORIGINS = ["", "https://api.test", "https://api.test", "https://api.test:8080", "https://API.test", "https://api.test:443", "http://api.test"];
const PATHS = ["/*", "/*", "/:id", "/a", "/a/", "/A", "/a.b", "/a/./b", "/a/b", "/%61", "/", "/a?x=1", "/a~_-", "//a", `/${"a".repeat(70_000)}`];
/** What the platform writes in another way, and what the engine cannot read. */
const ODD = [
  " https://api.test/a ", "https://api.test\\a", "https://api.test/b/../a", "https://api.test/a?", "https://api.test/a#b", "https://%61pi.test/a",
  "http://[::1]/a", "http://1/a", "ftp://api.test/a", "file:///a", "mailto:/a", "x:///a", "http://a{b}/a", "http://a\"b/a", "http://a_b/a",
  `https://api.test/${"a".repeat(70_000)}`,
];

/** What happens to a transport, drawn from a seed. */
function drawn(seed) {
  const next = random(seed);
  const of = (list) => list[next(list.length)];
  // A few of each, so that they meet.
  const origins = [of(ORIGINS), of(ORIGINS)];
  const paths = ["/a", of(PATHS)];
  return Array.from({ length: 3 + next(20) }, () => {
    const kind = of(KINDS);
    if (kind === "rule") return { kind, method: of(METHODS), target: of(origins) + of(paths) };
    if (kind === "request") {
      const url = (of(origins) || "https://api.test") + of(paths);
      return { kind, method: of(METHODS), url: next(8) === 0 ? of(ODD) : url };
    }
    return { kind, number: next(4) };
  });
}

/** Makes all that happen, and answers what is to be seen of it. */
async function played(transport, happenings) {
  const rules = [];
  const seen = [];
  const noting = async (attempt) => {
    try {
      seen.push(await attempt());
    } catch ({ name, message }) {
      seen.push(`${name}: ${message.slice(0, 10_000)}`);
    }
  };
  for (const { kind, method, target, url, number } of happenings) {
    const rule = rules[number];
    if (kind === "rule") rules.push(transport.on(method, target).reply(200 + rules.length, null));
    else if (kind === "request") await noting(async () => (await transport.fetch(url, { method })).status);
    else if (kind === "all") await noting(() => transport.requests().map(({ url, status }) => `${status} ${url}`));
    else if (kind === "clear") await noting(() => transport.clear());
    else if (kind === "calls") await noting(() => rule?.calls);
    else await noting(() => rule?.remove());
  }
  await noting(() => rules.map((rule) => [String(rule), rule.calls]));
  await noting(() => transport.verify());
  await noting(() => transport.requests().map(({ sequence, rule, outcome }) => [sequence, rules.indexOf(rule), outcome]));
  await noting(() => [transport.requests("/a").length, transport.state.requestCount]);
  await noting(() => transport.timeline().entries.map(({ rule, outcome }) => [rule, outcome]));
  transport.dispose();
  return seen;
}

const SEEDS = Array.from({ length: 2000 }, (_, seed) => seed);

/** The seeds with which a transport that is told late goes another way than one that is told at once. */
async function* disagreements({ MockTransport }) {
  for (const seed of SEEDS) {
    const told = new mockwire.MockTransport();
    void told.epoch;
    const expected = await played(told, drawn(seed));
    const actual = await played(new MockTransport(), drawn(seed));
    if (JSON.stringify(actual) !== JSON.stringify(expected)) yield { seed, actual, expected };
  }
}

describe("who is told late comes to the same", () => {
  test("whatever the rules and the requests are", async () => {
    assert.deepEqual(await allOf(disagreements(mockwire)), []);
  });

  test("with more rules and requests than are kept, in whatever order they come", async () => {
    const rules = Array.from({ length: 40 }, (_, n) => ({ kind: "rule", method: "GET", target: `/${n % 30}` }));
    const requests = Array.from({ length: 150 }, (_, n) => ({ kind: "request", method: "GET", url: `https://api.test/${n % 40}` }));
    const mixed = requests.flatMap((request, n) => (n < rules.length ? [rules[n], request] : [request]));
    for (const happenings of [[...rules, ...requests], [...rules.slice(0, 16), ...requests], mixed]) {
      const told = new mockwire.MockTransport();
      void told.epoch;
      assert.deepEqual(await played(new mockwire.MockTransport(), happenings), await played(told, happenings));
    }
  });

  for (const [what, right, wrong] of [
    ["who does not ask for the method", "||rule.method!==method2", ""],
    ["who takes another origin for the same", "rule.target===rule.path||rule.target===address.href?", "true?"],
    ["who goes on to the next rule where another origin may be meant", "return rule.target===rule.path||rule.target===address.href?rule.reply:void 0", "if(rule.target===rule.path||rule.target===address.href)return rule.reply"],
    ["who takes rules that are not plain", "!PLAIN.test(target)", "!1"],
    ["who takes URLs that are not plain", "isPlainUrl(href)?", "true?"],
    ["who forgets the requests", "address.line(method2).arrive(engine)", "0"],
  ]) {
    test(`and the control: ${what} is caught`, async () => {
      const { done } = await withBroken(right, wrong, (broken) => disagreements(broken).next());
      assert.equal(done, false);
    });
  }
});
