/** Retries: the model is overloaded, the connection breaks off, and nobody waits for the pauses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MockTransport } from "mockwire";
import { Answer, anthropic, ApiError } from "mockwire/providers";

/** What is tested: it asks again until the whole answer is there, and waits twice as long each time. */
async function persistently(client, sleep, question) {
  for (let pause = 1000; ; pause *= 2) {
    try {
      const messages = [{ role: "user", content: question }];
      return await client.messages.stream({ model: "claude", max_tokens: 64, messages }).finalText();
    } catch (error) {
      if (pause > 8000 || error instanceof Anthropic.BadRequestError) throw error;
      await sleep(pause);
    }
  }
}

test("it comes through in the end, and has waited long enough", async () => {
  const transport = new MockTransport();
  anthropic.messages(transport).replySequence([
    ApiError.overloaded(),
    Answer.text("At la").thenError(ApiError.overloaded()),
    Answer.text("At last.").script({ cutAt: 600, end: "reset" }),
    "At last.",
  ]);
  const client = new Anthropic({ apiKey: "none", fetch: transport.fetch, maxRetries: 0 });
  assert.equal(await persistently(client, (ms) => transport.sleep(ms), "hi"), "At last.");
  assert.deepEqual(transport.requests().map(({ at }) => at), [0, 1000, 3000, 7000]);
  assert.deepEqual(transport.requests().map(({ status }) => status), [529, 200, 200, 200]);
});
