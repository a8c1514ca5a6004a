import { MockTransport } from "mockwire";
import { Answer, anthropic } from "mockwire/providers";

// In real time, to be watched. Without this, nothing waits.
const transport = new MockTransport({ timing: "real" });
show(transport);

const story = Answer.text(
  "Once upon a time a server never answered in time, and nobody minded.",
);
anthropic
  .messages(transport)
  .model("claude")
  .lastUserMessageContains("story")
  .reply(story.script({ firstByte: 500, gap: 120 }));

const response = await transport.fetch("https://api.anthropic.com/v1/messages", {
  method: "POST",
  headers: { "content-type": "application/json", "x-api-key": "secret" },
  body: JSON.stringify({
    model: "claude",
    max_tokens: 64,
    stream: true,
    messages: [{ role: "user", content: "Tell me a story" }],
  }),
});

const texts = response.body.pipeThrough(new TextDecoderStream());
for await (const text of texts) {
  for (const [, json] of text.matchAll(/^data: (.*)$/gm)) {
    const { type, delta } = JSON.parse(json);
    const at = `${Math.round(transport.now())} ms`.padStart(8);
    console.log(at, type, delta?.text ? JSON.stringify(delta.text) : "");
  }
}
