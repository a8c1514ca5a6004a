/** The guides in docs/guides: their code runs as it stands there, with the official clients. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const GUIDES = new URL("../../docs/guides/", import.meta.url);

/** Without what tells a process that it is a test's child. */
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

/** What a fresh process prints. */
function run(code) {
  const flags = ["--no-warnings", "--test-reporter=tap", "--input-type=module", "--eval", code];
  return execFileSync(process.execPath, flags, { cwd: new URL(".", import.meta.url), env, encoding: "utf8" });
}

for (const name of readdirSync(GUIDES)) {
  const guide = readFileSync(new URL(name, GUIDES), "utf8");
  const blocks = guide.split("```js\n").slice(1).map((part) => part.split("```")[0]);

  test(`${name}: its test passes as it stands there, and fails when its last answer is another`, () => {
    const [first] = blocks;
    assert.match(run(first), /^# pass 1$/m);
    const another = first.replace(/"Yes, it is\."/, '"No."');
    assert.notEqual(another, first);
    assert.throws(() => run(another), ({ stdout }) => /^# fail 1$/m.test(stdout));
  });

  test(`${name}: its rules are taken as they stand there`, () => {
    assert.equal(blocks.length, 2);
    assert.equal(run(`${blocks[1]}\nconsole.log("ran");`).trim(), "ran");
  });
}
