/** The package as CommonJS sees it. */

const assert = require("node:assert/strict");
const { test } = require("node:test");
const mockwire = require("mockwire");

test("require gives the same names as import", async () => {
  assert.deepEqual(Object.keys(mockwire).sort(), Object.keys(await import("mockwire")).sort());
});

test("a first test", async () => {
  const transport = new mockwire.MockTransport();
  transport.get("https://api.test/users/:id").reply((request) => ({ id: request.params.id }));
  const response = await transport.fetch("https://api.test/users/7");
  assert.deepEqual(await response.json(), { id: "7" });
  assert.equal(transport.lastRequest().path, "/users/7");
  transport.verify();
  transport.dispose();
});

test("official clients, required", async () => {
  const { ANTHROPIC, OPENAI } = await import("./wire.mjs");
  const transport = new mockwire.MockTransport();
  transport.post("/v1/messages").reply(ANTHROPIC);
  transport.post("/v1/chat/completions").reply(OPENAI);
  const Anthropic = require("@anthropic-ai/sdk").default;
  const OpenAI = require("openai").default;
  const messages = [{ role: "user", content: "Hi" }];
  const anthropic = new Anthropic({ apiKey: "sk-test", fetch: transport.fetch });
  const openai = new OpenAI({ apiKey: "sk-test", fetch: transport.fetch });
  assert.equal((await anthropic.messages.create({ model: "m", max_tokens: 9, messages })).content[0].text, "Hello there");
  assert.equal((await openai.chat.completions.create({ model: "m", messages })).choices[0].message.content, "Hello there");
  assert.equal(transport.count(), 2);
  transport.dispose();
});
