/** OpenAI's Chat Completions and Responses as the official client sees them: unmodified, in both forms. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { Answer, ApiError, openai, Prompt } from "mockwire/providers";
import { allOf, failureOf, withTransport } from "./support.mjs";

const clientOf = (transport, options) => new OpenAI({ apiKey: "sk-test", fetch: transport.fetch, maxRetries: 0, ...options });
const TOOL = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };

/** Runs a test with a transport that always answers so, and a client. */
const answering = (begin) => (answer, body) =>
  withTransport(async (transport) => {
    begin(transport).reply(answer);
    await body(clientOf(transport), transport);
  });

describe("Chat Completions", () => {
  const REQUEST = { model: "gpt-test", messages: [{ role: "user", content: "hi" }] };
  const chat = answering(openai.chatCompletions);

  /** What the client makes of both forms: JSON, and what its helper puts together from a stream. */
  const bothForms = (answer, check, more) =>
    chat(answer, async (client) => {
      check(await client.chat.completions.create({ ...REQUEST, ...more }), "JSON");
      const options = { stream_options: { include_usage: true } };
      check(await client.chat.completions.stream({ ...REQUEST, ...options, ...more }).finalChatCompletion(), "stream");
    });

  test("text, and the model that was asked", bothForms("Hello, big world", ({ choices: [{ message, finish_reason }], model, object }, form) => {
    assert.deepEqual([message.content, message.role, finish_reason, model, object], ["Hello, big world", "assistant", "stop", "gpt-test", "chat.completion"], form);
  }));

  test("a text and several tools, one of them without arguments", bothForms(
    Answer.text("I look.").tool("a", { x: "😀" }).tool("b").tool("a", { x: 2 }, { id: "call_mine" }),
    ({ choices: [{ message, finish_reason }] }, form) => {
      const calls = message.tool_calls.map(({ function: it }) => [it.name, JSON.parse(it.arguments)]);
      assert.deepEqual([message.content, calls, finish_reason], ["I look.", [["a", { x: "😀" }], ["b", {}], ["a", { x: 2 }]], "tool_calls"], form);
      assert.equal(message.tool_calls[2].id, "call_mine");
      assert.match(message.tool_calls[0].id, /^call_\w{24}$/);
    },
  ));

  test("a refusal", bothForms(Answer.refusal("I will not."), ({ choices: [{ message, finish_reason }] }, form) => {
    assert.deepEqual([message.refusal, message.content, finish_reason], ["I will not.", null, "stop"], form);
  }));

  for (const [stop, reason] of [["maxTokens", "length"], ["contentFilter", "content_filter"], [{ other: "function_call" }, "function_call"]]) {
    test(`it stops with ${reason}`, chat(Answer.text("So").stop(stop), async (client) => {
      assert.equal((await client.chat.completions.create(REQUEST)).choices[0].finish_reason, reason);
      const chunks = await allOf(await client.chat.completions.create({ ...REQUEST, stream: true }));
      assert.equal(chunks.at(-1).choices[0].finish_reason, reason);
    }));
  }

  test("usage that is given, thinking among it", bothForms(
    Answer.text("Hello").usage({ input: 12, output: 30, cacheRead: 8, reasoning: 20 }),
    ({ usage }, form) => {
      const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, completion_tokens_details } = usage;
      const told = [prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details.cached_tokens, completion_tokens_details.reasoning_tokens];
      assert.deepEqual(told, [12, 30, 42, 8, 20], form);
    },
  ));

  test("in a stream, usage comes only to those who ask for it", chat("Hello", async (client) => {
    const chunks = await allOf(await client.chat.completions.create({ ...REQUEST, stream: true }));
    assert.ok(chunks.every(({ usage }) => usage == null));
  }));

  test("several answers at once", bothForms(Answer.text("Yes").alternative("No").alternative(Answer.tool("a")), ({ choices }, form) => {
    assert.deepEqual(choices.map(({ message, finish_reason }) => [message.content, finish_reason]), [["Yes", "stop"], ["No", "stop"], [null, "tool_calls"], ["Yes", "stop"]], form);
  }, { n: 4 }));

  // The client's helper for streams knows no custom tools: https://github.com/openai/openai-openapi/issues/576
  test("a custom tool is called with a text", chat(Answer.tool("sql", "SELECT a b"), async (client) => {
    const asked = { ...REQUEST, tools: [{ type: "custom", custom: { name: "sql" } }] };
    const { choices } = await client.chat.completions.create(asked);
    const [{ type, custom }] = choices[0].message.tool_calls;
    assert.deepEqual([type, custom, choices[0].finish_reason], ["custom", { name: "sql", input: "SELECT a b" }, "tool_calls"]);
    const chunks = await allOf(await client.chat.completions.create({ ...asked, stream: true }));
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    assert.deepEqual([deltas[0].type, deltas[0].custom.name, deltas.map((it) => it.custom.input).join("")], ["custom", "sql", "SELECT a b"]);
  }));

  const TWO = Answer.tool("one", { text: "first" }).tool("two", { text: "second" }).split({ characters: 3 }).interleaved();
  const callsOf = async (client) => {
    const { choices } = await client.chat.completions.stream(REQUEST).finalChatCompletion();
    return choices[0].message.tool_calls.map(({ function: { name, arguments: text } }) => `${name} ${text}`);
  };
  const CALLS = ['one {"text":"first"}', 'two {"text":"second"}'];

  test("two tools whose deltas come in turns", chat(TWO, async (client) => {
    const chunks = await allOf(await client.chat.completions.create({ ...REQUEST, stream: true }));
    const order = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls?.map(({ index }) => index) ?? []).join("");
    assert.match(order, /^(01)+/);
    assert.deepEqual(await callsOf(client), CALLS);
  }));

  test("and a wire that mixes them up is caught", chat(TWO, async (_, transport) => {
    let nth = 0;
    const mixed = async (input, init) => {
      const response = await transport.fetch(input, init);
      const text = (await response.text()).replace(/"index":([01]),"function":\{"arguments"/g, (all, index) => (++nth === 4 ? all.replace(`:${index},`, `:${1 - index},`) : all));
      return new Response(text, response);
    };
    const calls = await callsOf(clientOf({ fetch: mixed })).catch((error) => [String(error)]);
    assert.ok(nth > 4);
    assert.notDeepEqual(calls, CALLS);
  }));

  test("an emoji, byte by byte", chat(Answer.text("😀 日本語").split({ characters: 1 }).script({ chunking: { bytes: 1 } }), async (client) => {
    const stream = client.chat.completions.stream(REQUEST);
    const deltas = [];
    stream.on("content", (delta) => deltas.push(delta));
    assert.equal(await stream.finalContent(), "😀 日本語");
    assert.deepEqual(deltas, [..."😀 日本語"]);
  }));

  test("an error in the middle of a stream", chat(Answer.text("Hello").thenError(ApiError.server()), async (client) => {
    const error = await failureOf(allOf(await client.chat.completions.create({ ...REQUEST, stream: true })));
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.type, "server_error");
  }));

  for (const [error, status, code, module] of [
    [ApiError.invalidRequest("No").param("model").code("odd"), 400, "odd", OpenAI.BadRequestError],
    [ApiError.authentication(), 401, "invalid_api_key", OpenAI.AuthenticationError],
    [ApiError.permission(), 403, "unsupported_country_region_territory", OpenAI.PermissionDeniedError],
    [ApiError.notFound(), 404, "model_not_found", OpenAI.NotFoundError],
    [ApiError.timeout(), 408, "timeout", OpenAI.APIError],
    [ApiError.rateLimit(), 429, "rate_limit_exceeded", OpenAI.RateLimitError],
    [ApiError.billing(), 429, "insufficient_quota", OpenAI.RateLimitError],
    [ApiError.requestTooLarge(), 400, "context_length_exceeded", OpenAI.BadRequestError],
    [ApiError.server(), 500, null, OpenAI.InternalServerError],
    [ApiError.overloaded(), 503, null, OpenAI.InternalServerError],
  ]) {
    test(`${status} ${code ?? "server_error"}`, chat(error, async (client) => {
      const failure = await failureOf(client.chat.completions.create(REQUEST));
      assert.ok(failure instanceof module);
      assert.deepEqual([failure.status, failure.code ?? null], [status, code]);
      assert.match(failure.requestID, /^req_[0-9a-f]{32}$/);
      if (status === 400 && code === "odd") assert.deepEqual([failure.param, failure.message], ["model", "400 No"]);
    }));
  }

  test("ids from the seed, dates from the clock, and what every response has", withTransport({ seed: 3, epoch: Date.UTC(2030, 0) }, async (transport) => {
    openai.chatCompletions(transport).reply(Answer.text("Hello").delay(1500));
    const { data, response } = await clientOf(transport).chat.completions.create(REQUEST).withResponse();
    // The reply is made when the request comes.
    assert.equal(data.created, Date.UTC(2030, 0) / 1000);
    assert.match(data.id, /^chatcmpl-\w{29}$/);
    assert.deepEqual([response.headers.get("openai-processing-ms"), transport.now()], ["1500", 1500]);
    const later = await clientOf(transport).chat.completions.create(REQUEST);
    assert.equal(later.created, Date.UTC(2030, 0) / 1000 + 1);
    assert.notEqual(later.id, data.id);
  }));

  test("a limit tells how it stands, and refuses, as the provider does", async () => {
    await withTransport({ rateLimit: openai.rateLimit({ slidingWindow: 1, per: 1500 }) }, async (transport) => {
      openai.chatCompletions(transport).reply("Hello");
      const { response } = await clientOf(transport).chat.completions.create(REQUEST).withResponse();
      assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "0");
      const error = await failureOf(clientOf(transport).chat.completions.create(REQUEST));
      assert.deepEqual([error.code, error.headers.get("retry-after"), error.headers.get("retry-after-ms")], ["rate_limit_exceeded", "2", "1500"]);
    })();
  });

  for (const stream of [false, true]) {
    test(`runTools goes round, ${stream ? "streamed" : "as JSON"}`, withTransport(async (transport) => {
      openai.chatCompletions(transport).lastUserMessageContains("Paris").offersTool("get_weather").once().reply(
        Answer.tool("get_weather", { city: "Paris" }).tool("get_weather", { city: "Rome" }),
      );
      openai.chatCompletions(transport).prompt(new Prompt().toolResultIs("get_weather", "Paris: 21").turn(2)).once().reply("Yes.");
      const asked = [];
      const runner = clientOf(transport).chat.completions.runTools({
        ...REQUEST, stream,
        messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Is it warm in Paris?" }],
        tools: [{ type: "function", function: { name: "get_weather", parameters: TOOL, parse: JSON.parse, function: ({ city }) => (asked.push(city), `${city}: 21`) } }],
      });
      assert.equal(await runner.finalContent(), "Yes.");
      assert.deepEqual(asked, ["Paris", "Rome"]);
      const { system, messages, turn } = openai.ChatCompletions.conversation(transport.lastRequest());
      assert.deepEqual([system, messages.map(({ role }) => role), turn], ["Be brief.", ["system", "user", "assistant", "tool", "tool"], 2]);
    }));
  }
});

describe("Responses", () => {
  const REQUEST = { model: "gpt-test", input: "hi" };
  const responses = answering(openai.responses);

  const bothForms = (answer, check, options) =>
    responses(answer, async (client) => {
      check(await client.responses.create({ ...REQUEST, ...options }), "JSON");
      check(await client.responses.stream({ ...REQUEST, ...options }).finalResponse(), "stream");
    });

  test("text, and the model that was asked", bothForms("Hello, big world", (response, form) => {
    assert.deepEqual([response.output_text, response.status, response.model], ["Hello, big world", "completed", "gpt-test"], form);
  }));

  test("thinking, a text, and several tools", bothForms(
    new Answer().thinking("Paris, then.").say("I look.").tool("a", { x: "😀" }).tool("b"),
    ({ output }, form) => {
      assert.deepEqual(output.map(({ type }) => type), ["reasoning", "message", "function_call", "function_call"], form);
      assert.equal(output[0].summary[0].text, "Paris, then.");
      assert.deepEqual(output.slice(2).map((it) => [it.name, JSON.parse(it.arguments)]), [["a", { x: "😀" }], ["b", {}]], form);
    },
  ));

  test("a refusal", bothForms(Answer.refusal("I will not."), ({ output }, form) => {
    const [{ type, refusal }] = output[0].content;
    assert.deepEqual([type, refusal], ["refusal", "I will not."], form);
  }));

  test("it is incomplete where there may be no more tokens", bothForms(Answer.text("So").stop("maxTokens"), ({ status, incomplete_details }, form) => {
    assert.deepEqual([status, incomplete_details.reason], ["incomplete", "max_output_tokens"], form);
  }));

  test("usage that is given", bothForms(Answer.text("Hello").usage({ input: 12, output: 30, reasoning: 20 }), ({ usage }, form) => {
    assert.deepEqual([usage.input_tokens, usage.output_tokens, usage.output_tokens_details.reasoning_tokens], [12, 30, 20], form);
  }));

  test("the response repeats what the request says", bothForms("Hello", ({ instructions, temperature, tools }, form) => {
    assert.deepEqual([instructions, temperature, tools[0].name], ["Be brief.", 0.5, "get_weather"], form);
  }, { instructions: "Be brief.", temperature: 0.5, tools: [{ type: "function", name: "get_weather", parameters: TOOL, strict: true }] }));

  const torn = Answer.text("😀 日本語").tool("say", { text: "👩‍👩‍👧" }).split({ characters: 1 }).script({ chunking: { bytes: 1 } });
  const said = async (client) => {
    const { output_text, output } = await client.responses.stream(REQUEST).finalResponse();
    return [output_text, JSON.parse(output[1].arguments).text];
  };

  test("an emoji, byte by byte", responses(torn, async (client) => {
    assert.deepEqual(await said(client), ["😀 日本語", "👩‍👩‍👧"]);
  }));

  test("and a wire that loses a delta is caught", responses(torn, async (_, transport) => {
    const lossy = async (input, init) => {
      const response = await transport.fetch(input, init);
      // The last word is the whole text again: a client that puts deltas together does not look at it.
      const text = (await response.text()).replace(/event: response\.output_text\.delta\n.*"delta":"日".*\n\n/, "");
      return new Response(text, response);
    };
    let text = "";
    const stream = clientOf({ fetch: lossy }).responses.stream(REQUEST);
    stream.on("response.output_text.delta", ({ delta }) => (text += delta));
    await stream.finalResponse();
    assert.equal(text, "😀 本語");
  }));

  test("its events are numbered", responses("Hello", async (client) => {
    const events = await allOf(await client.responses.create({ ...REQUEST, stream: true }));
    assert.deepEqual(events.map(({ sequence_number }) => sequence_number), events.map((_, at) => at));
    assert.equal(events.at(-1).type, "response.completed");
  }));

  test("an error in the middle of a stream, and before", responses(Answer.text("Hello").thenError(ApiError.server()), async (client) => {
    const told = [];
    const failing = (async () => {
      for await (const { type } of await client.responses.create({ ...REQUEST, stream: true })) told.push(type);
    })();
    const error = await failing.catch((it) => it);
    assert.ok(error instanceof OpenAI.APIError || told.includes("response.failed"));
    assert.equal((await failureOf(client.responses.create(REQUEST))).status, 500);
  }));

  test("with the history at the provider, the ids tell the turn", withTransport(async (transport) => {
    openai.responses(transport).turn(1).reply(Answer.tool("get_weather", { city: "Paris" }));
    openai.responses(transport).turn(2).toolResultIs("get_weather", "21").reply("21 degrees");
    openai.responses(transport).turn(3).lastUserMessage("Thanks").reply("You are welcome.");
    const client = clientOf(transport);
    const { id, output } = await client.responses.create(REQUEST);
    const second = await client.responses.create({ ...REQUEST, previous_response_id: id, input: [{ type: "function_call_output", call_id: output[0].call_id, output: "21" }] });
    assert.equal(second.output_text, "21 degrees");
    const third = await client.responses.create({ ...REQUEST, previous_response_id: second.id, input: "Thanks" });
    assert.equal(third.output_text, "You are welcome.");
    assert.equal(openai.Responses.conversation(transport.lastRequest()).turn, 3);
  }));
});
