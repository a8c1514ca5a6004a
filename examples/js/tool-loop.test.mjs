/** A loop of tools: the model calls them until it knows enough, with OpenAI's own runner. */

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { MockTransport } from "mockwire";
import { Answer, openai } from "mockwire/providers";

/** What is tested: an assistant that looks up the weather. */
async function ask(client, question, weather) {
  const runner = client.chat.completions.runTools({
    model: "gpt-mini",
    messages: [{ role: "user", content: question }],
    tools: [{
      type: "function",
      function: { name: "weather", function: weather, parse: JSON.parse, parameters: { type: "object", properties: { city: { type: "string" } } } },
    }],
  });
  return await runner.finalContent();
}

test("both cities are looked up before it answers", async () => {
  const transport = new MockTransport();
  openai.chatCompletions(transport).lastUserMessageContains("warmer").offersTool("weather").once().reply(
    Answer.tool("weather", { city: "Paris" }).tool("weather", { city: "Rome" }),
  );
  openai.chatCompletions(transport).toolResultContains("weather", "Paris: 21").once().reply("Rome is warmer.");

  const client = new OpenAI({ apiKey: "none", fetch: transport.fetch });
  const degrees = { Paris: 21, Rome: 27 };
  assert.equal(await ask(client, "Where is it warmer?", ({ city }) => `${city}: ${degrees[city]}`), "Rome is warmer.");

  const { toolResults } = openai.ChatCompletions.conversation(transport.lastRequest());
  assert.deepEqual(toolResults.map(({ content }) => content), ["Paris: 21", "Rome: 27"]);
  transport.verify();
});
