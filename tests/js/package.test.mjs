/** The package as it is loaded: cheap to import, alone, the same twice. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const manifest = require("mockwire/package.json");

/** Without what tells a process that it is a test's child. */
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

/** What a fresh process prints. */
function run(code, type = "module") {
  const flags = ["--no-warnings", "--test-reporter=tap", `--input-type=${type}`, "--eval", code];
  return execFileSync(process.execPath, flags, { cwd: new URL(".", import.meta.url), env, encoding: "utf8" }).trim();
}

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

test("the first test of the README passes as it stands there", () => {
  const readme = readFileSync(new URL("./node_modules/mockwire/README.md", import.meta.url), "utf8");
  const code = readme.split("```js\n").find((part) => part.includes("node:test")).split("```")[0];
  assert.match(run(code), /^# pass 1$/m);
});

test("it depends on nothing", () => {
  for (const kind of ["dependencies", "optionalDependencies", "peerDependencies"]) assert.equal(manifest[kind], undefined);
});

test("one import works everywhere: no conditions but import and require", () => {
  assert.deepEqual(Object.keys(manifest.exports["."]), ["import", "require"]);
  for (const { types, default: code } of Object.values(manifest.exports["."])) {
    assert.ok(require.resolve("mockwire").endsWith("index.cjs"));
    const root = new URL("./node_modules/mockwire/", import.meta.url);
    assert.match(readFileSync(new URL(types, root), "utf8"), /MockTransport/);
    assert.doesNotMatch(readFileSync(new URL(code, root), "utf8"), /import\.meta|from"node:|require\(/);
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
