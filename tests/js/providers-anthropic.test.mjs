/** Anthropic's Messages as the official client sees them: unmodified, in both forms. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { reply } from "mockwire";
import { Answer, anthropic, ApiError } from "mockwire/providers";
import { allOf, failureOf, withTransport } from "./support.mjs";

const REQUEST = { model: "claude-test", max_tokens: 64, messages: [{ role: "user", content: "hi" }] };

const clientOf = (transport, options) => new Anthropic({ apiKey: "sk-test", fetch: transport.fetch, maxRetries: 0, ...options });

/** Runs a test with a transport that always answers so, and a client. */
const answering = (answer, body, options = {}) =>
  withTransport(options, async (transport) => {
    anthropic.messages(transport).reply(answer);
    await body(clientOf(transport), transport);
  });

/** What the client makes of both forms: once it is asked for JSON, once for a stream. */
const bothForms = (answer, check) =>
  answering(answer, async (client) => {
    check(await client.messages.create(REQUEST), "JSON");
    check(await client.messages.stream(REQUEST).finalMessage(), "stream");
  });

describe("what a message says", () => {
  test("text, and the model that was asked", bothForms("Hello, big world", ({ content, model, role, stop_reason }, form) => {
    assert.deepEqual([content[0].text, model, role, stop_reason], ["Hello, big world", "claude-test", "assistant", "end_turn"], form);
  }));

  test("one tool", bothForms(Answer.tool("get_weather", { city: "Paris", days: 2 }), ({ content: [call], stop_reason }, form) => {
    assert.deepEqual([call.type, call.name, call.input, stop_reason], ["tool_use", "get_weather", { city: "Paris", days: 2 }, "tool_use"], form);
    assert.match(call.id, /^toolu_01[0-9A-Za-z]{22}$/);
  }));

  test("several tools in parallel, behind a text", bothForms(
    Answer.text("I look.").tool("a", { x: "😀" }).tool("b", { y: [1, 2] }, { id: "toolu_mine" }).tool("a", { x: 2 }),
    ({ content }, form) => {
      assert.deepEqual(content.map(({ text, name, input }) => [text ?? name, input]), [["I look.", undefined], ["a", { x: "😀" }], ["b", { y: [1, 2] }], ["a", { x: 2 }]], form);
      assert.equal(content[2].id, "toolu_mine");
      assert.equal(new Set(content.slice(1).map(({ id }) => id)).size, 3);
    },
  ));

  test("a tool without arguments", bothForms(Answer.tool("ping"), ({ content }, form) => assert.deepEqual(content[0].input, {}, form)));

  test("thinking with its signature, and thinking that is not shown", bothForms(
    new Answer().thinking("Paris, then.").thinking("Sure?", "c2ln").redactedThinking("ZGF0YQ").say("Yes"),
    ({ content: [drawn, given, redacted, text] }, form) => {
      assert.deepEqual([drawn.type, drawn.thinking], ["thinking", "Paris, then."], form);
      assert.match(drawn.signature, /^[\w+/]{64}$/);
      assert.deepEqual([given.thinking, given.signature, redacted.data, text.text], ["Sure?", "c2ln", "ZGF0YQ", "Yes"]);
    },
  ));

  test("a refusal", bothForms(Answer.refusal("I will not."), ({ content, stop_reason, stop_details }, form) => {
    assert.deepEqual([content, stop_reason, stop_details.explanation], [[], "refusal", "I will not."], form);
  }));

  for (const [stop, reason, sequence = null] of [
    ["maxTokens", "max_tokens"],
    ["pauseTurn", "pause_turn"],
    ["contentFilter", "refusal"],
    [{ stopSequence: "END" }, "stop_sequence", "END"],
    [{ other: "model_context_window_exceeded" }, "model_context_window_exceeded"],
  ]) {
    test(`it stops with ${reason}`, bothForms(Answer.text("So").stop(stop), ({ stop_reason, stop_sequence }, form) => {
      assert.deepEqual([stop_reason, stop_sequence], [reason, sequence], form);
    }));
  }

  test("usage that is given", bothForms(Answer.text("Hello").usage({ input: 12, output: 30, cacheRead: 8, cacheCreation: 3 }), ({ usage }, form) => {
    const told = [usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens];
    assert.deepEqual(told, [12, 30, 8, 3], form);
  }));

  test("usage that is estimated: a token for four bytes", bothForms("12345678", ({ usage }, form) => {
    assert.deepEqual([usage.input_tokens, usage.output_tokens], [1, 2], form);
  }));

  test("the model and the id that are given", bothForms(Answer.text("Hello").model("claude-other").id("msg_1"), ({ id, model }, form) => {
    assert.deepEqual([id, model], ["msg_1", "claude-other"], form);
  }));

  test("arguments that are no JSON: the stream has them as they are", answering(Answer.tool("a", {}, { raw: '{"x": 1' }), async (client) => {
    assert.deepEqual((await client.messages.create(REQUEST)).content[0].input, {});
    const events = await allOf(await client.messages.create({ ...REQUEST, stream: true }));
    const deltas = events.filter(({ delta }) => delta?.type === "input_json_delta").map(({ delta }) => delta.partial_json);
    assert.equal(deltas.join(""), '{"x": 1');
  }));
});

describe("the stream", () => {
  test("its events, in order, with a ping", answering(Answer.text("Hello, you").tool("a", { b: 1 }), async (client, transport) => {
    const events = await allOf(await client.messages.create({ ...REQUEST, stream: true }));
    const block = ["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"];
    assert.deepEqual(events.map(({ type }) => type), ["message_start", ...block, ...block, "message_delta", "message_stop"]);
    const raw = await (await transport.fetch("https://api.anthropic.com/v1/messages", { method: "POST", body: JSON.stringify({ ...REQUEST, stream: true }) })).text();
    assert.match(raw, /content_block_start[^]*?\nevent: ping\ndata: \{"type":"ping"\}\n\nevent: content_block_delta/);
    assert.doesNotMatch(raw, /DONE/);
  }));

  test("forced, and forbidden, whatever the request asks for", withTransport(async (transport) => {
    anthropic.messages(transport).replySequence([Answer.text("Hello").stream(true), Answer.text("Hello").stream(false)]);
    const kind = async (stream) => (await transport.fetch("https://api.anthropic.com/v1/messages", { method: "POST", body: JSON.stringify({ ...REQUEST, stream }) })).headers.get("content-type");
    assert.match(await kind(false), /^text\/event-stream/);
    assert.equal(await kind(true), "application/json");
  }));

  const TEXT = "a😀b 日本語, wörld";
  for (const [split, deltas] of [
    [{ characters: 1 }, [...TEXT]],
    [{ words: 1 }, ["a😀b", " 日本語,", " wörld"]],
    [{ tokens: 2 }, ["a😀b ", "日本", "語, wö", "rld"]],
    [{ bytes: 4 }, ["a", "😀", "b ", "日", "本", "語,", " wö", "rld"]],
    [{ sizes: [5, 100] }, ["a😀", "b 日本語, wörld"]],
    ["whole", [TEXT]],
  ]) {
    test(`deltas after ${JSON.stringify(split)}`, answering(Answer.text(TEXT).split(split), async (client) => {
      const told = [];
      await client.messages.stream(REQUEST).on("text", (delta) => told.push(delta)).done();
      assert.deepEqual(told, deltas);
    }));
  }

  const torn = Answer.text("😀 日本語").tool("say", { text: "👩‍👩‍👧" }).split({ characters: 1 }).script({ chunking: { bytes: 1 } });
  const said = async (client) => {
    const { content } = await client.messages.stream(REQUEST).finalMessage();
    return [content[0].text, content[1].input.text];
  };

  test("characters that arrive byte by byte are put together", answering(torn, async (client) => {
    assert.deepEqual(await said(client), ["😀 日本語", "👩‍👩‍👧"]);
  }));

  test("and a client that decodes each chunk by itself is caught", answering(torn, async (_, transport) => {
    const careless = async (input, init) => {
      const response = await transport.fetch(input, init);
      const decoded = (await allOf(response.body)).map((chunk) => new TextDecoder().decode(chunk)).join("");
      return new Response(decoded, response);
    };
    const [text] = await said(clientOf({ fetch: careless }));
    assert.notEqual(text, "😀 日本語");
    assert.match(text, /\ufffd/);
  }));

  test("in the transport's time, and nobody waits", answering(
    Answer.text("one two three").delay(100).script({ firstByte: 300, gap: 50 }),
    async (client, transport) => {
      const stream = client.messages.stream(REQUEST);
      const times = [];
      stream.on("text", () => times.push(transport.now()));
      await stream.done();
      // Three events and a ping come before the first delta.
      assert.deepEqual(times, [550, 600, 650]);
      assert.equal(transport.now(), 800);
    },
  ));

  test("held until the test releases it", withTransport({ timing: "manual" }, async (transport) => {
    anthropic.messages(transport).reply(Answer.text("Hello").script({ steps: [{ hold: "go" }] }));
    const message = clientOf(transport).messages.stream(REQUEST).finalMessage();
    await transport.waitForRequests(1);
    transport.release("go");
    assert.equal((await message).content[0].text, "Hello");
  }));

  test("cut off, and without its last event", withTransport(async (transport) => {
    anthropic.messages(transport).replySequence([
      Answer.text("Hello, world").script({ cutAt: 700, end: "reset" }),
      Answer.text("Hello, world").script({ withoutTerminal: true }),
    ]);
    const client = clientOf(transport);
    assert.ok((await failureOf(client.messages.stream(REQUEST).finalMessage())) instanceof Anthropic.AnthropicError);
    const events = await allOf(await client.messages.create({ ...REQUEST, stream: true }));
    assert.equal(events.at(-1).type, "message_delta");
  }));

  test("an error in the middle", answering(Answer.text("Hello").thenError(ApiError.overloaded()), async (client) => {
    const stream = client.messages.stream(REQUEST);
    let text = "";
    stream.on("text", (delta) => (text += delta));
    const error = await failureOf(stream.finalMessage());
    assert.ok(error instanceof Anthropic.APIError);
    assert.deepEqual([text, error.error.error.type], ["Hello", "overloaded_error"]);
    // Without a stream it is all there is.
    assert.equal((await failureOf(client.messages.create(REQUEST))).status, 529);
  }));
});

describe("errors", () => {
  for (const [error, status, type, module] of [
    [ApiError.invalidRequest("max_tokens: required"), 400, "invalid_request_error", Anthropic.BadRequestError],
    [ApiError.authentication(), 401, "authentication_error", Anthropic.AuthenticationError],
    [ApiError.billing(), 402, "billing_error", Anthropic.APIError],
    [ApiError.permission(), 403, "permission_error", Anthropic.PermissionDeniedError],
    [ApiError.notFound(), 404, "not_found_error", Anthropic.NotFoundError],
    [ApiError.requestTooLarge(), 413, "request_too_large", Anthropic.APIError],
    [ApiError.rateLimit(), 429, "rate_limit_error", Anthropic.RateLimitError],
    [ApiError.server(), 500, "api_error", Anthropic.InternalServerError],
    [ApiError.timeout(), 504, "timeout_error", Anthropic.InternalServerError],
    [ApiError.overloaded(), 529, "overloaded_error", Anthropic.InternalServerError],
  ]) {
    test(`${status} ${type}`, answering(error, async (client) => {
      for (const stream of [false, true]) {
        const failure = await failureOf(client.messages.create({ ...REQUEST, stream }));
        assert.ok(failure instanceof module);
        assert.deepEqual([failure.status, failure.error.type, failure.error.error.type], [status, "error", type]);
        assert.match(failure.requestID, /^req_011/);
        assert.equal(failure.error.request_id, failure.requestID);
      }
    }));
  }

  test("in other words", answering(new ApiError("server").message("Boom").status(507).code("odd_error").shouldRetry(false), async (client) => {
    const { status, error, headers } = await failureOf(client.messages.create(REQUEST));
    assert.deepEqual([status, error.error, headers.get("x-should-retry")], [507, { type: "odd_error", message: "Boom" }, "false"]);
  }));

  test("in a stream that has begun with 200", answering(ApiError.rateLimit().inStream(), async (client) => {
    const stream = await client.messages.create({ ...REQUEST, stream: true });
    const error = await failureOf(allOf(stream));
    assert.equal(error.error.error.type, "rate_limit_error");
  }));

  test("retried by the client, which waits as it is told", withTransport({ timing: "real" }, async (transport) => {
    anthropic.messages(transport).retry(2, ApiError.overloaded().retryAfter(1), "at last");
    // Rounded up to a second: the client's waiting is tested in sdk-retries.test.mjs.
    const first = await failureOf(clientOf(transport).messages.create(REQUEST));
    assert.equal(first.headers.get("retry-after"), "1");
    assert.equal((await failureOf(clientOf(transport).messages.create(REQUEST))).status, 529);
    assert.equal((await clientOf(transport).messages.create(REQUEST)).content[0].text, "at last");
  }));

  test("a request that cannot be read is answered as the provider answers it", answering("Hello", async (_, transport) => {
    const response = await transport.fetch("https://api.anthropic.com/v1/messages", { method: "POST", body: "{" });
    assert.equal(response.status, 400);
    assert.equal((await response.json()).error.type, "invalid_request_error");
  }));
});

describe("the head, and what comes from the seed", () => {
  test("a request id on every response, the same for the same seed", async () => {
    const run = async (seed) => {
      const told = [];
      await withTransport({ seed }, async (transport) => {
        anthropic.messages(transport).replySequence(["one", ApiError.server(), Answer.tool("a")]);
        for (const stream of [false, false, true]) {
          const body = JSON.stringify({ ...REQUEST, stream });
          const response = await transport.fetch("https://api.anthropic.com/v1/messages", { method: "POST", body });
          told.push(response.headers.get("request-id"), await response.text());
        }
      })();
      return told;
    };
    const first = await run(7);
    for (const id of [first[0], first[2], first[4]]) assert.match(id, /^req_011[0-9A-Za-z]{21}$/);
    assert.deepEqual(await run(7), first);
    assert.notDeepEqual(await run(8), first);
  });

  test("header fields that are added", answering(Answer.text("Hello").header("anthropic-organization-id", "org_1"), async (client) => {
    const { response } = await client.messages.create(REQUEST).withResponse();
    assert.equal(response.headers.get("anthropic-organization-id"), "org_1");
  }));

  for (const place of ["the transport", "the rule"]) {
    test(`a limit of ${place} tells how it stands, and refuses in the provider's words`, async () => {
      const limit = anthropic.rateLimit({ fixedWindow: 1, per: 60_000 });
      await withTransport(place === "the transport" ? { rateLimit: limit } : {}, async (transport) => {
        const rule = anthropic.messages(transport);
        (place === "the rule" ? rule.when((it) => it.rateLimit(limit)) : rule).reply("Hello");
        const client = clientOf(transport);
        const { response } = await client.messages.create(REQUEST).withResponse();
        assert.equal(response.headers.get("anthropic-ratelimit-requests-remaining"), "0");
        assert.equal(response.headers.get("anthropic-ratelimit-requests-reset"), "2025-01-01T00:01:00Z");
        await transport.sleep(500);
        const error = await failureOf(client.messages.create(REQUEST));
        assert.ok(error instanceof Anthropic.RateLimitError);
        assert.deepEqual([error.error.error.type, error.headers.get("retry-after")], ["rate_limit_error", "60"]);
        assert.equal(error.headers.get("anthropic-ratelimit-requests-remaining"), "0");
      })();
    });
  }
});

describe("the client's tool runner goes round until the model has said all", () => {
  const asking = (transport, options) => {
    const asked = [];
    const weather = betaTool({
      name: "get_weather",
      description: "The weather of a city",
      inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      run: ({ city }) => (asked.push(city), `${city}: 21`),
    });
    const messages = [{ role: "user", content: "Is it warm in Paris?" }];
    const runner = clientOf(transport).beta.messages.toolRunner({ ...REQUEST, ...options, tools: [weather], messages });
    return runner.runUntilDone().then(({ content }) => [content[0].text, ...asked]);
  };
  const CALLS = Answer.text("I look.").tool("get_weather", { city: "Paris" }).tool("get_weather", { city: "Rome" });

  for (const stream of [false, true]) {
    test(`with the whole history in each request, ${stream ? "streamed" : "as JSON"}`, withTransport(async (transport) => {
      anthropic.messages(transport).lastUserMessage("Is it warm in Paris?").offersTool("get_weather").once().reply(CALLS);
      anthropic.messages(transport).toolResultContains("get_weather", "Paris: 21").once().reply("Yes, it is warm.");
      assert.deepEqual(await asking(transport, { stream, thread: false }), ["Yes, it is warm.", "Paris", "Rome"]);
      const { turn, toolResults, stream: wasStream, tools } = anthropic.conversation(transport.lastRequest());
      assert.deepEqual([turn, toolResults.map(({ content }) => content), wasStream], [2, ["Paris: 21", "Rome: 21"], stream]);
      assert.deepEqual(tools[0].schema.required, ["city"]);
      transport.verify();
    }));

    test(`in a thread, whose history the provider has, ${stream ? "streamed" : "as JSON"}`, withTransport(async (transport) => {
      anthropic.messages(transport).turn(1).once().reply(CALLS);
      anthropic.messages(transport).turn(2).toolResultIs("get_weather", "Paris: 21").once().reply("Yes, it is warm.");
      assert.deepEqual(await asking(transport, { stream }), ["Yes, it is warm.", "Paris", "Rome"]);
      transport.verify();
    }));
  }

  test("and a model that never stops calling tools is told apart", withTransport(async (transport) => {
    anthropic.messages(transport).times(3).reply(CALLS);
    const error = await failureOf(asking(transport, { thread: false }));
    assert.equal(error.cause.code, "MOCKWIRE_UNMATCHED");
    assert.match(error.cause.message, /used up: answers exactly 3 times/);
  }));
});

test("in a sequence of other replies, held, and from a handler", withTransport(async (transport) => {
  transport.post("/v1/messages").once().replySequence([reply.error("ECONNRESET")], { end: "repeat" });
  const held = anthropic.messages(transport).once().hold();
  transport.post("/v1/messages").reply((request) => anthropic.reply(`said: ${anthropic.conversation(request).lastUserMessage}`));
  const client = clientOf(transport);
  assert.ok((await failureOf(client.messages.create(REQUEST))) instanceof Anthropic.APIConnectionError);
  const waiting = client.messages.create(REQUEST);
  (await held.next()).reply(anthropic.reply("by hand"));
  assert.equal((await waiting).content[0].text, "by hand");
  assert.equal((await client.messages.create(REQUEST)).content[0].text, "said: hi");
}));
