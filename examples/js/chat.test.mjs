/** A chat: the code under test uses the official client, the test says what the model answers. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MockTransport } from "mockwire";
import { Answer, anthropic, Dialogue } from "mockwire/providers";

/** What is tested: a chat that streams, and keeps the history. */
class Chat {
  messages = [];
  constructor(client, onText) {
    Object.assign(this, { client, onText });
  }
  async say(text) {
    this.messages.push({ role: "user", content: text });
    const stream = this.client.messages.stream({ model: "claude-opus", max_tokens: 256, messages: this.messages });
    const { content } = await stream.on("text", this.onText).finalMessage();
    this.messages.push({ role: "assistant", content });
  }
}

test("the words come one by one, and the history is kept", async () => {
  const transport = new MockTransport();
  anthropic.messages(transport).model("claude-opus").dialogue(
    new Dialogue()
      .turn("Who are you?", Answer.text("I am a mock.").script({ firstByte: 400, gap: 50 }))
      .turn("Really?", "Yes."),
  );
  const words = [];
  const client = new Anthropic({ apiKey: "none", fetch: transport.fetch });
  const chat = new Chat(client, (word) => words.push(word));
  await chat.say("Who are you?");
  await chat.say("Really?");
  assert.deepEqual(words, ["I", " am", " a", " mock.", "Yes."]);
  assert.equal(anthropic.conversation(transport.lastRequest()).turn, 2);
  transport.verify();
});
