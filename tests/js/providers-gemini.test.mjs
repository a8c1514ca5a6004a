/** Gemini as the official client sees it: unmodified, in both forms. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApiError as GeminiError, GoogleGenAI } from "@google/genai";
import { Answer, ApiError, gemini } from "mockwire/providers";
import { allOf, failureOf, withTransport } from "./support.mjs";

const REQUEST = { model: "gemini-test", contents: "hi" };

const clientOf = (transport) => new GoogleGenAI({ apiKey: "key", httpOptions: { fetch: transport.fetch, retryOptions: { attempts: 1 } } });

const answering = (answer, body) =>
  withTransport(async (transport) => {
    gemini.generateContent(transport).reply(answer);
    await body(clientOf(transport), transport);
  });

/** The parts of a stream, texts in a row put together. */
async function streamed(client, request) {
  const chunks = await allOf(await client.models.generateContentStream(request));
  const parts = [];
  for (const part of chunks.flatMap(({ candidates }) => candidates?.[0].content?.parts ?? [])) {
    const last = parts.at(-1);
    if (part.text !== undefined && last?.text !== undefined && last.thought === part.thought) {
      Object.assign(last, part, { text: last.text + part.text });
    } else parts.push({ ...part });
  }
  const { candidates, usageMetadata, modelVersion, responseId } = chunks.at(-1);
  return { parts, finish: candidates[0].finishReason, usage: usageMetadata, modelVersion, responseId };
}

async function whole(client, request) {
  const { candidates: [{ content, finishReason }], usageMetadata, modelVersion, responseId } = await client.models.generateContent(request);
  return { parts: content?.parts ?? [], finish: finishReason, usage: usageMetadata, modelVersion, responseId };
}

const bothForms = (answer, check) =>
  answering(answer, async (client) => {
    check(await whole(client, REQUEST), "JSON");
    check(await streamed(client, REQUEST), "stream");
  });

describe("what the model says", () => {
  test("text, and the model that was asked", bothForms("Hello, big world", ({ parts, finish, modelVersion }, form) => {
    assert.deepEqual([parts.map(({ text }) => text), finish, modelVersion], [["Hello, big world"], "STOP", "gemini-test"], form);
  }));

  test("thinking, a text, and several functions, one of them without arguments", bothForms(
    new Answer().thinking("Paris, then.").say("I look.").tool("a", { x: "😀" }).tool("b"),
    ({ parts }, form) => {
      assert.deepEqual(parts.map(({ text, thought }) => text && [text, thought === true]).filter(Boolean), [["Paris, then.", true], ["I look.", false]], form);
      assert.deepEqual(parts.flatMap(({ functionCall }) => (functionCall ? [[functionCall.name, functionCall.args]] : [])), [["a", { x: "😀" }], ["b", {}]], form);
      assert.equal(parts.filter(({ thoughtSignature }) => thoughtSignature).length, 1, form);
    },
  ));

  for (const [stop, reason] of [["maxTokens", "MAX_TOKENS"], ["contentFilter", "SAFETY"], [{ other: "RECITATION" }, "RECITATION"]]) {
    test(`it stops with ${reason}`, bothForms(Answer.text("So").stop(stop), ({ finish }, form) => assert.equal(finish, reason, form)));
  }

  test("usage that is given", bothForms(Answer.text("Hello").usage({ input: 12, output: 30, cacheRead: 8, reasoning: 20 }), ({ usage }, form) => {
    const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, cachedContentTokenCount } = usage;
    assert.deepEqual([promptTokenCount, candidatesTokenCount, thoughtsTokenCount, cachedContentTokenCount], [12, 10, 20, 8], form);
  }));

  test("an emoji, byte by byte", answering(Answer.text("😀 日本語").split({ characters: 1 }).script({ chunking: { bytes: 1 } }), async (client) => {
    assert.equal((await streamed(client, REQUEST)).parts[0].text, "😀 日本語");
  }));

  test("a refusal", bothForms(Answer.refusal("I will not."), ({ finish }, form) => assert.equal(finish, "SAFETY", form)));

  test("and a client that decodes each chunk by itself is caught", answering(
    Answer.text("😀 日本語").split({ characters: 1 }).script({ chunking: { bytes: 1 } }),
    async (_, transport) => {
      const careless = async (input, init) => {
        const response = await transport.fetch(input, init);
        const decoded = (await allOf(response.body)).map((chunk) => new TextDecoder().decode(chunk)).join("");
        return new Response(decoded, response);
      };
      assert.match((await streamed(clientOf({ fetch: careless }), REQUEST)).parts[0].text, /\ufffd/);
    },
  ));

  test("in the transport's time", answering(Answer.text("one two three").script({ firstByte: 300, gap: 50 }), async (client, transport) => {
    const times = [];
    for await (const { text } of await client.models.generateContentStream(REQUEST)) if (text) times.push(transport.now());
    assert.deepEqual(times, [300, 350, 400]);
  }));
});

describe("errors", () => {
  for (const [error, code, status] of [
    [ApiError.invalidRequest("No"), 400, "INVALID_ARGUMENT"],
    [ApiError.authentication(), 401, "UNAUTHENTICATED"],
    [ApiError.permission(), 403, "PERMISSION_DENIED"],
    [ApiError.notFound(), 404, "NOT_FOUND"],
    [ApiError.rateLimit(), 429, "RESOURCE_EXHAUSTED"],
    [ApiError.billing(), 429, "RESOURCE_EXHAUSTED"],
    [ApiError.server(), 500, "INTERNAL"],
    [ApiError.overloaded(), 503, "UNAVAILABLE"],
    [ApiError.timeout(), 504, "DEADLINE_EXCEEDED"],
  ]) {
    test(`${code} ${status}`, answering(error, async (client) => {
      for (const attempt of [client.models.generateContent(REQUEST), client.models.generateContentStream(REQUEST)]) {
        const failure = await failureOf(attempt);
        assert.ok(failure instanceof GeminiError);
        assert.equal(failure.status, code);
        assert.match(failure.message, new RegExp(`"status":"${status}"`));
      }
    }));
  }

  test("in the middle of a stream", answering(Answer.text("Hello").thenError(ApiError.overloaded()), async (client) => {
    let text = "";
    const error = await failureOf(async () => {
      for await (const chunk of await client.models.generateContentStream(REQUEST)) text += chunk.text ?? "";
    });
    assert.equal(text, "Hello");
    assert.match(error.message, /UNAVAILABLE/);
  }));

  test("a limit refuses as the provider does: the body says when to try again", async () => {
    const limit = gemini.rateLimit({ slidingWindow: 1, per: 2500 });
    for (const options of [{ rateLimit: limit }, {}]) {
      await withTransport(options, async (transport) => {
        const rule = gemini.generateContent(transport);
        (options.rateLimit ? rule : rule.when((it) => it.rateLimit(limit))).reply("Hello");
        await clientOf(transport).models.generateContent(REQUEST);
        await transport.sleep(100);
        const error = await failureOf(clientOf(transport).models.generateContent(REQUEST));
        assert.match(error.message, /"retryDelay":"2\.4s"/);
        assert.equal(transport.lastRequest().responseHeaders.get("retry-after"), null);
      })();
    }
  });
});

describe("which requests are meant", () => {
  test("other methods of a model are not, and the diagnosis says so", answering("Hello", async (client) => {
    const error = await failureOf(client.models.countTokens(REQUEST));
    assert.match(String(error.cause?.message ?? error.message), /no rule matched/);
  }));

  test("a chat, whose history tells the turn", withTransport(async (transport) => {
    gemini.generateContent(transport).turn(1).lastUserMessage("hi").reply("Hello");
    gemini.generateContent(transport).turn(2).systemContains("brief").reply("Bye");
    const chat = clientOf(transport).chats.create({ model: "gemini-test", config: { systemInstruction: "Be brief." } });
    assert.equal((await chat.sendMessage({ message: "hi" })).text, "Hello");
    assert.equal((await chat.sendMessage({ message: "bye" })).text, "Bye");
    const { system, turn, model, messages } = gemini.GenerateContent.conversation(transport.lastRequest());
    assert.deepEqual([system, turn, model, messages.map(({ role }) => role)], ["Be brief.", 2, "gemini-test", ["user", "assistant", "user"]]);
  }));

  test("a client that takes no fetch is answered by the installed one", withTransport(async (transport) => {
    gemini.generateContent(transport).reply("Hello");
    transport.install();
    const { text } = await new GoogleGenAI({ apiKey: "key" }).models.generateContent(REQUEST);
    assert.equal(text, "Hello");
  }));

  test("a stream without alt=sse is an array", answering("Hello", async (_, transport) => {
    const url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-test:streamGenerateContent";
    const response = await transport.fetch(url, { method: "POST", body: '{"contents": [{"parts": [{"text": "hi"}]}]}' });
    assert.ok(Array.isArray(await response.json()));
  }));
});
