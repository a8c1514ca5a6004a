/** The package as it is loaded: cheap to import, alone, the same twice. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

const require = createRequire(import.meta.url);
const manifest = require("mockwire/package.json");

/** Without what tells a process that it is a test's child. */
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

/** What a fresh process prints. */
function run(code, type = "module") {
  const flags = ["--no-warnings", "--test-reporter=tap", `--input-type=${type}`, "--eval", code];
  return execFileSync(process.execPath, flags, { cwd: new URL(".", import.meta.url), env, encoding: "utf8" }).trim();
}

const root = new URL("./node_modules/mockwire/", import.meta.url);
const ENTRIES = Object.keys(manifest.exports).filter((name) => name !== "./package.json");

/** What each entry point besides the main one gives, and how it is put to its first use. */
const EXTRAS = {
  "./aimock": { names: ["Fixtures", "UnsupportedFixturesError"], use: "Fixtures.parse('{\"fixtures\":[]}').register(transport)" },
  "./cache": { names: ["Cache"], use: "new Cache(transport)" },
  "./cassette": { names: ["CassetteError", "Recorder", "fromHar", "toHar"], use: "new Recorder()" },
  "./providers": {
    names: ["AmbiguousTurnError", "Answer", "ApiError", "Dialogue", "Prompt", "anthropic", "gemini", "openai"],
    use: "anthropic.messages(transport).reply('Hello')",
  },
  "./sessions": { names: ["DuplicateMessageError", "SessionLimitError", "Sessions"], use: "new Sessions(transport)" },
  "./timeline": { names: ["chromeTrace", "har", "retries", "waterfall"], use: "waterfall(transport.timeline())" },
  "./verdict": { names: ["ResilienceError", "Verdict", "verdict"], use: "verdict(transport)" },
  "./queue": { names: ["QueueFullError", "QueueStoppedError", "RequestQueue"], use: "new RequestQueue(transport, { workers: 1 })" },
};

test("to import it neither touches the platform's fetch nor compiles anything", () => {
  const watch = `
    const touched = [];
    for (const name of ["Response", "Request", "Headers", "fetch"]) {
      const { get, value } = Object.getOwnPropertyDescriptor(globalThis, name);
      Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); return get ? get.call(globalThis) : value; } });
    }
    WebAssembly.Module = class { constructor() { touched.push("WebAssembly.Module"); } };
    WebAssembly.compile = () => touched.push("WebAssembly.compile");`;
  assert.equal(run(`${watch} await import("mockwire"); console.log(JSON.stringify(touched));`), "[]");
  assert.equal(run(`${watch} require("mockwire"); console.log(JSON.stringify(touched));`, "commonjs"), "[]");
});

test("a process ends by itself, with transports left undisposed", () => {
  const code = `
    import { MockTransport } from "mockwire";
    const transport = new MockTransport();
    transport.get("/held").hold();
    transport.fetch("https://api.test/held");
    transport.get("*").reply("text");
    console.log(await (await transport.fetch("https://api.test/")).text());`;
  assert.equal(run(code), "text");
});

for (const [whose, path] of [["package", "node_modules/mockwire/README.md"], ["repository", "../../README.md"]]) {
  test(`the first test of the ${whose}'s README passes as it stands there`, () => {
    const readme = readFileSync(new URL(path, import.meta.url), "utf8");
    const code = readme.split("```js\n").find((part) => part.includes("node:test")).split("```")[0];
    assert.match(run(code), /^# pass 1$/m);
  });
}

describe("every example of the README runs as it stands there", () => {
  const readme = readFileSync(new URL("./node_modules/mockwire/README.md", import.meta.url), "utf8");
  const blocks = readme.split("```js\n").slice(1).map((part) => part.split("```")[0]);
  // What stands around an example, unless it says so itself.
  const around = {
    MockTransport: 'import { MockTransport } from "mockwire";',
    reply: 'import { reply } from "mockwire";',
    OpenAI: 'import OpenAI from "openai";',
    Client: "class Client {}",
    url: 'const url = "https://api.test/model";',
    transport: "const transport = new MockTransport();",
  };
  for (const block of blocks) {
    test(block.trim().split("\n", 1)[0], () => {
      const own = Object.keys(around).filter((name) => new RegExp(`(?:const|import \\{[^}]*?\\b) ?${name}\\b`).test(block));
      const before = Object.entries(around).map(([name, code]) => (own.includes(name) ? "" : code));
      const otherwise = block.includes('"mockwire/') ? 'transport.otherwise().reply({ text: "hello" });' : "";
      const out = run([...before, otherwise, block, 'console.log("ran");'].join("\n"));
      assert.match(out, /^ran$/m);
    });
  }
});

test("it depends on nothing", () => {
  for (const kind of ["dependencies", "optionalDependencies", "peerDependencies"]) assert.equal(manifest[kind], undefined);
});

test("one import works everywhere: no conditions but import and require", () => {
  assert.ok(require.resolve("mockwire").endsWith("index.cjs"));
  for (const name of ENTRIES) {
    assert.deepEqual(Object.keys(manifest.exports[name]), ["import", "require"]);
    for (const { types, default: code } of Object.values(manifest.exports[name])) {
      assert.match(readFileSync(new URL(types, root), "utf8"), /MockTransport|TransportTime|Timeline/);
      assert.doesNotMatch(readFileSync(new URL(code, root), "utf8"), /import\.meta|from"[^.]|require\("[^.]/);
    }
  }
});

test("the types of every entry point are found by a TypeScript that knows no `exports`", () => {
  assert.deepEqual(Object.keys(manifest.typesVersions["*"]).sort(), Object.keys(EXTRAS).map((name) => name.slice(2)).sort());
  execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "--project", "types/tsconfig.node10.json"], { cwd: import.meta.dirname });
});

test("every entry point gives the same names to import and to require", async () => {
  assert.deepEqual(ENTRIES.slice(1).sort(), Object.keys(EXTRAS).sort());
  for (const [entry, { names }] of Object.entries(EXTRAS)) {
    const name = `mockwire/${entry.slice(2)}`;
    assert.deepEqual(Object.keys(await import(name)).sort(), names);
    assert.deepEqual(Object.keys(require(name)).sort(), names);
  }
});

test("the main entry point is one file, which knows nothing of the others", () => {
  for (const { default: code } of Object.values(manifest.exports["."])) {
    assert.doesNotMatch(readFileSync(new URL(code, root), "utf8"), /require\("|\bimport[{"(*]|from"\.|CacheMachine/);
  }
});

test("each module is compiled once, when something of it is first used", () => {
  const watch = `
    let modules = 0;
    const { Module } = WebAssembly;
    WebAssembly.Module = class extends Module { constructor(bytes) { super(bytes); modules += 1; } };`;
  const uses = Object.entries(EXTRAS).map(([entry, { names, use }]) => ({ name: `mockwire/${entry.slice(2)}`, names, use }));
  const code = (load) => `${watch}
    const counts = [];
    ${load("mockwire", ["MockTransport"])}
    ${uses.map(({ name, names }) => load(name, names)).join("\n")}
    counts.push(modules);
    const transport = new MockTransport();
    counts.push(modules);
    transport.get("/*").reply(204);
    counts.push(modules);
    ${uses.map(({ use }) => `${use}; counts.push(modules);`).join("\n")}
    console.log(JSON.stringify(counts));`;
  const expected = JSON.stringify([0, 0, 1, ...uses.map(() => 2)]);
  assert.equal(run(code((name, names) => `const { ${names} } = await import("${name}");`)), expected);
  assert.equal(run(code((name, names) => `const { ${names} } = require("${name}");`), "commonjs"), expected);
});

test("an error is of the same class, whichever entry point throws it, and whichever way it was loaded", async () => {
  const esm = await import("mockwire");
  const cjs = require("mockwire");
  for (const { Cache, classes } of [
    { ...(await import("mockwire/cache")), classes: esm },
    { ...require("mockwire/cache"), classes: cjs },
  ]) {
    // A transport of either works with both.
    for (const { MockTransport } of [esm, cjs]) {
      const transport = new MockTransport();
      assert.equal(new Cache(transport).set("a", 1).get("a"), 1);
      assert.throws(() => new Cache(transport, { entries: 1 }), classes.InvalidArgumentError);
      transport.dispose();
    }
  }
});

test("strings cross the boundary unharmed, short and long, whatever is in them", async () => {
  const { MockTransport } = await import("mockwire");
  const transport = new MockTransport();
  for (const text of ["é", "日本語", "😀".repeat(50), "a".repeat(31) + "é", "x".repeat(100_000), "\u0000", "é".repeat(5_000)]) {
    const path = `/${encodeURIComponent(text).slice(0, 30_000)}`;
    transport.post(path).body(text).once().reply("matched");
    const response = await transport.fetch(`https://api.test${path}`, { method: "POST", body: text });
    assert.equal(await response.text(), "matched");
  }
  transport.dispose();
});
