/** A test that is recorded once, then replayed. */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MockTransport } from "mockwire";
import { Recorder } from "mockwire/cassette";
import { anthropic } from "mockwire/providers";

/** What is tested. */
async function summary(fetch) {
  const client = new Anthropic({ apiKey: "sk-never-written", fetch });
  const stream = client.messages.stream({ model: "claude", max_tokens: 64, messages: [{ role: "user", content: "Sum it up." }] });
  return stream.finalText();
}

test("sums it up", async () => {
  // The real transport is the platform's `fetch`; here, another mock stands for it.
  const real = new MockTransport();
  anthropic.messages(real).reply("All is well.");
  const path = join(tmpdir(), `mockwire-summary-${process.pid}.json`);

  for (const mode of ["record", "strict"]) {
    const recorder = await Recorder.open(path, { mode, fetch: real.fetch });
    const transport = new MockTransport();
    transport.otherwise().reply(recorder.handler);
    assert.equal(await summary(transport.fetch), "All is well.");
    recorder.assertAllUsed();
    await recorder.save();
    assert.ok(!recorder.cassette.includes("sk-never-written"));
  }
  assert.equal(real.requests().length, 1);
  rmSync(path);
});
