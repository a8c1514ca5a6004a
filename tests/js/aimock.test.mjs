/** Fixtures of aimock, through official clients. What each member means, the crate's tests say. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { InvalidArgumentError, MockTransport, MockwireError, UnmatchedRequestError } from "mockwire";
import { Fixtures, UnsupportedFixturesError } from "mockwire/aimock";
import OpenAI from "openai";
import { failureOf } from "./support.mjs";

function answering(...fixtures) {
  const transport = new MockTransport();
  Fixtures.parse(JSON.stringify({ fixtures })).register(transport);
  const options = { apiKey: "none", fetch: transport.fetch, maxRetries: 0 };
  return { transport, anthropic: new Anthropic(options), openai: new OpenAI(options) };
}

const user = (content) => ({ role: "user", content });
const claude = (...messages) => ({ model: "claude", max_tokens: 64, messages });

test("one file answers every provider, as JSON and as a stream", async () => {
  const { transport, anthropic, openai } = answering(
    { match: { userMessage: "weather", hasToolResult: true }, response: { content: "It is sunny." } },
    { match: { userMessage: "weather" }, response: { toolCalls: [{ name: "look", arguments: '{"at":1}', id: "toolu_1" }] } },
  );
  const asked = user("How is the weather?");
  const first = await anthropic.messages.stream(claude(asked)).finalMessage();
  assert.deepEqual(first.content, [{ type: "tool_use", id: "toolu_1", name: "look", input: { at: 1 } }]);
  const result = user([{ type: "tool_result", tool_use_id: "toolu_1", content: "sun" }]);
  const second = await anthropic.messages.create(claude(asked, { role: "assistant", content: first.content }, result));
  assert.equal(second.content[0].text, "It is sunny.");

  const chat = await openai.chat.completions.create({ model: "gpt", messages: [asked] });
  assert.equal(chat.choices[0].message.tool_calls[0].function.arguments, '{"at":1}');
  const response = await openai.responses.create({ model: "gpt", input: "weather?" });
  assert.equal(response.output[0].name, "look");
  const gemini = await transport.fetch("https://google.test/v1beta/models/gemini-3:generateContent", {
    method: "POST", body: JSON.stringify({ contents: [{ role: "user", parts: [{ text: "weather" }] }] }),
  });
  assert.equal((await gemini.json()).candidates[0].content.parts[0].functionCall.name, "look");
  transport.verify();
  transport.dispose();
});

test("sequences answer each once, contexts are a header field, errors are in the envelope", async () => {
  const { transport, anthropic } = answering(
    { match: { userMessage: "joke", sequenceIndex: 1 }, response: { content: "two" } },
    { match: { userMessage: "joke", sequenceIndex: 0 }, response: { content: "one" } },
    { match: { context: "a" }, response: { content: "in context" } },
    { match: { userMessage: "joke" }, response: { error: { message: "Enough.", type: "rate_limit_error" }, status: 429, retryAfter: 2 } },
  );
  const ask = async (text, headers) => (await anthropic.messages.create(claude(user(text)), { headers })).content[0].text;
  assert.deepEqual([await ask("joke"), await ask("joke")], ["one", "two"]);
  const error = await failureOf(ask("joke"));
  assert.deepEqual([error.status, error.headers.get("retry-after"), error.error.error.message], [429, "2", "Enough."]);
  assert.equal(await ask("x", { "x-aimock-context": "a" }), "in context");
  transport.verify();
  transport.dispose();
});

test("a request that no fixture fits is told what each asks", async () => {
  const { transport, anthropic } = answering({ match: { userMessage: "hello", model: "claude" }, response: { content: "Hi" } });
  const error = await failureOf(anthropic.messages.create(claude(user("goodbye"))));
  const diagnosis = [error, error.cause].find((it) => it instanceof UnmatchedRequestError)?.message ?? String(error);
  assert.match(diagnosis, /last text of the user\s+expected .*"hello"/);
  transport.dispose();
});

test("a stream takes the time that a fixture says, of the transport's", async () => {
  const { transport, openai } = answering({
    match: {}, response: { content: "abcdefgh" }, chunkSize: 2, streamingProfile: { ttft: 700, tps: 100 },
  });
  const stream = await openai.chat.completions.create({ model: "gpt", stream: true, messages: [user("x")] });
  const deltas = [];
  for await (const chunk of stream) deltas.push(chunk.choices[0]?.delta.content);
  assert.deepEqual(deltas.filter((it) => it), ["ab", "cd", "ef", "gh"]);
  assert.ok(transport.now() >= 700);
  transport.dispose();
});

test("what is not understood is told all at once, by name", async () => {
  const text = JSON.stringify({ fixtures: [
    { match: { inputText: "x" }, response: { embedding: [1] } },
    { match: { userMessage: "fine" }, response: { content: "fine" } },
    { match: {}, response: { content: "" }, chaos: { dropRate: 1 } },
  ] });
  const error = await failureOf(() => Fixtures.parse(text));
  assert.ok(error instanceof UnsupportedFixturesError && error instanceof MockwireError);
  assert.deepEqual(error.unsupported.map(({ fixture, member }) => [fixture, member]), [
    [1, "match.inputText"], [1, "response.embedding"], [3, "chaos"],
  ]);
  assert.match(error.message, /^3 things of these fixtures are not understood:\n {2}fixture 1: `match.inputText`/);
  // What is understood can be used all the same.
  assert.equal(error.supported.length, 1);
  for (const text of ["", "[]", "{}", "<html>"]) assert.ok((await failureOf(() => Fixtures.parse(text))) instanceof UnsupportedFixturesError);
  for (const wrong of [() => Fixtures.parse(7), () => Fixtures.parse('{"fixtures":[]}').register({})]) {
    assert.ok((await failureOf(wrong)) instanceof InvalidArgumentError);
  }
});
