// The main job, to be looked at: two official clients talk to the mock, and the test reads what they
// sent. `cargo xtask demo` runs it; colours appear in a terminal, unless NO_COLOR is set.

import Anthropic from "@anthropic-ai/sdk";
import { MockTransport, reply } from "mockwire";
import OpenAI from "openai";
import { ANTHROPIC, ANTHROPIC_STREAM, EVENT_STREAM, OPENAI, OPENAI_RATE_LIMIT } from "./wire.mjs";

const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : String(text));
const [bold, dim, red, green, yellow, cyan] = [1, 2, 31, 32, 33, 36].map(paint);
const OUTCOMES = { done: green, pending: dim, cancelled: yellow, failed: red, unmatched: red };

const messages = [{ role: "user", content: "Say hello" }];
const transport = new MockTransport();

// @anthropic-ai/sdk: a message, then the same one as a stream.
transport.post("https://api.anthropic.com/v1/messages").jsonAt("/stream", true).stream(ANTHROPIC_STREAM, EVENT_STREAM);
transport.post("https://api.anthropic.com/v1/messages").jsonAt("/model", "claude-test").reply(ANTHROPIC);

const anthropic = new Anthropic({ apiKey: "sk-not-a-real-key", fetch: transport.fetch });
title("@anthropic-ai/sdk", "a message, then a streamed one");
const message = await anthropic.messages.create({ model: "claude-test", max_tokens: 64, messages });
said(message.content[0].text);
const pieces = [];
for await (const event of await anthropic.messages.create({
  model: "claude-test",
  max_tokens: 64,
  messages,
  stream: true,
})) {
  if (event.type === "content_block_delta") pieces.push(event.delta.text);
}
said(pieces.map((piece) => JSON.stringify(piece)).join(dim(" + ")));

// openai: too many requests, and the client tries again by itself.
transport
  .post("https://api.openai.com/v1/chat/completions")
  .jsonAt("/model", "gpt-test")
  .retry(1, reply.json(OPENAI_RATE_LIMIT, { status: 429, headers: { "retry-after-ms": "1" } }), OPENAI);

const openai = new OpenAI({ apiKey: "sk-not-a-real-key", fetch: transport.fetch, maxRetries: 1 });
title("openai", "a 429, then success: the client retries by itself");
said((await openai.chat.completions.create({ model: "gpt-test", messages })).choices[0].message.content);

title("captured", "what was sent, and what became of it");
for (const request of transport.requests()) {
  const outcome = (OUTCOMES[request.outcome] ?? dim)(request.outcome.padEnd(9));
  const { model, stream = false } = request.json();
  const retries = request.headers.get("x-stainless-retry-count");
  console.log(
    `  ${dim(`#${request.sequence}`)} ${bold(request.method)} ${new URL(request.url).host}${request.path}\n` +
      `     ${cyan(request.status)} ${outcome} ${dim(`${request.delivered} bytes taken`)}  ${dim("model")} ${model}  ${dim("stream")} ${stream}  ${dim("retry")} ${retries}`,
  );
}
transport.verify();
console.log(`\n  ${green("✓")} verified: every request was expected`);

title("unmatched", "a request that no rule is for, and why");
const failed = await openai.chat.completions.create({ model: "gpt-typo", messages }, { maxRetries: 0 }).then(
  () => undefined,
  (error) => error,
);
console.log(indented(failed.cause.message.replaceAll("✓", green("✓")).replaceAll("✗", red("✗"))));

transport.dispose();

function title(name, what) {
  console.log(`\n${bold(name)}  ${dim(what)}\n`);
}

function said(text) {
  console.log(`  ${dim("it said")} ${text}`);
}

function indented(text) {
  return text
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");
}
