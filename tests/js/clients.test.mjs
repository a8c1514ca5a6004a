/**
 * The main job: the official clients, unmodified, talk to the mock; the test reads what they sent.
 * Both clients do the same things, so the suite is written once and run for each.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { reply, UnmatchedRequestError, when } from "mockwire";
import OpenAI from "openai";
import { failureOf, withTransport } from "./support.mjs";
import { ANTHROPIC, ANTHROPIC_RATE_LIMIT, ANTHROPIC_STREAM, EVENT_STREAM, OPENAI, OPENAI_RATE_LIMIT, OPENAI_STREAM } from "./wire.mjs";

const CLIENTS = [
  {
    name: "@anthropic-ai/sdk",
    module: Anthropic,
    url: "https://api.anthropic.com/v1/messages",
    secret: ["authorization", "Bearer sk-test"],
    message: ANTHROPIC,
    events: ANTHROPIC_STREAM,
    rateLimit: ANTHROPIC_RATE_LIMIT,
    connect: (transport, options) => new Anthropic({ apiKey: "sk-test", fetch: transport.fetch, ...options }),
    send: (client, options, signal) =>
      client.messages.create({ model: "claude-test", max_tokens: 64, messages: [{ role: "user", content: "Hi" }], ...options }, { signal }),
    textOf: (message) => message.content[0].text,
    deltaOf: (event) => (event.type === "content_block_delta" ? event.delta.text : ""),
  },
  {
    name: "openai",
    module: OpenAI,
    url: "https://api.openai.com/v1/chat/completions",
    secret: ["authorization", "Bearer sk-test"],
    message: OPENAI,
    events: OPENAI_STREAM,
    rateLimit: OPENAI_RATE_LIMIT,
    connect: (transport, options) => new OpenAI({ apiKey: "sk-test", fetch: transport.fetch, ...options }),
    send: (client, options, signal) =>
      client.chat.completions.create({ model: "gpt-test", messages: [{ role: "user", content: "Hi" }], ...options }, { signal }),
    textOf: (completion) => completion.choices[0].message.content,
    deltaOf: (chunk) => chunk.choices[0].delta.content ?? "",
  },
];

for (const { name, module, url, secret, message, events, rateLimit, connect, send, textOf, deltaOf } of CLIENTS) {
  describe(name, () => {
    test("a message", withTransport(async (transport) => {
      const rule = transport.post(url).header(...secret).jsonAt("/messages/0/role", "user").once().reply(message);
      assert.equal(textOf(await send(connect(transport))), "Hello there");
      const captured = transport.lastRequest();
      assert.deepEqual([captured.method, captured.url, captured.rule, captured.outcome], ["POST", url, rule, "done"]);
      assert.deepEqual(captured.json().messages, [{ role: "user", content: "Hi" }]);
      assert.equal(captured.headers.get(secret[0]), secret[1]);
      assert.equal(captured.headers.get("content-type"), "application/json");
      assert.doesNotMatch(JSON.stringify(captured), /sk-test/);
      transport.verify();
    }));

    for (const [how, streamed] of [
      ["in one piece", (rule) => rule.reply(200, events.join(""), EVENT_STREAM.headers)],
      ["event by event", (rule) => rule.stream(events, EVENT_STREAM)],
      ["byte by byte", (rule) => rule.stream([...new TextEncoder().encode(events.join(""))].map((byte) => new Uint8Array([byte])), EVENT_STREAM)],
      ["as a handler makes it", (rule) => rule.reply(async () => reply.stream(events, EVENT_STREAM))],
      ["as a platform Response", (rule) => rule.reply(() => new Response(new Blob(events).stream(), EVENT_STREAM))],
    ]) {
      test(`a streamed message, ${how}`, withTransport(async (transport) => {
        streamed(transport.post(url).jsonAt("/stream", true));
        let text = "";
        for await (const event of await send(connect(transport), { stream: true })) text += deltaOf(event);
        assert.equal(text, "Hello there");
        assert.equal(transport.lastRequest().json().stream, true);
        assert.equal(transport.lastRequest().status, 200);
      }));
    }

    test("a stream that is left early is cancelled", withTransport(async (transport) => {
      transport.post(url).stream(events, EVENT_STREAM);
      for await (const event of await send(connect(transport), { stream: true })) if (deltaOf(event) !== "") break;
      const { outcome, delivered } = transport.lastRequest();
      assert.equal(outcome, "cancelled");
      assert.ok(delivered > 0 && delivered < events.join("").length);
    }));

    test("a 429 with retry-after, then success: sent again with the same body", withTransport(async (transport) => {
      const rule = transport.post(url).replySequence([
        reply.json(rateLimit, { status: 429, headers: { "retry-after": "0", "retry-after-ms": "1" } }),
        message,
      ]);
      assert.equal(textOf(await send(connect(transport))), "Hello there");
      const [first, second] = rule.requests();
      assert.deepEqual([first.status, second.status], [429, 200]);
      assert.deepEqual([first.outcome, first.delivered, second.outcome], ["cancelled", 0, "done"], "the client does not read what it does not need");
      assert.equal(first.text(), second.text());
      assert.deepEqual([first, second].map((it) => it.headers.get("x-stainless-retry-count")), ["0", "1"]);
      transport.expectInOrder([when.header("x-stainless-retry-count", "0"), when.header("x-stainless-retry-count", "1")]);
      transport.expectCalled(`POST ${url}`, 2);
    }));

    test("a 429 for good is the client's error, with what the provider said", withTransport(async (transport) => {
      transport.post(url).reply(429, rateLimit, { "request-id": "req_01", "x-request-id": "req_01" });
      const error = await failureOf(send(connect(transport, { maxRetries: 0 })));
      assert.ok(error instanceof module.RateLimitError);
      assert.deepEqual([error.status, error.requestID], [429, "req_01"]);
      assert.match(error.message, /Too many requests/);
    }));

    test("an abort while the reply is held", withTransport(async (transport) => {
      const held = transport.post(url).hold();
      const controller = new AbortController();
      const sent = failureOf(send(connect(transport), {}, controller.signal));
      const request = await held.next();
      controller.abort();
      assert.ok((await sent) instanceof module.APIUserAbortError);
      assert.equal(request.isWaiting, false);
      assert.deepEqual(transport.requests().map((it) => it.outcome), ["cancelled"]);
    }));

    test("an abort in the middle of a stream", withTransport(async (transport) => {
      transport.post(url).stream(async function* () {
        yield events[0];
        yield events[1];
        await new Promise(() => {});
      }, EVENT_STREAM);
      const controller = new AbortController();
      const stream = await send(connect(transport), { stream: true }, controller.signal);
      let count = 0;
      for await (const _ of stream) if ((count += 1) === 2) controller.abort();
      assert.equal(transport.lastRequest().outcome, "cancelled");
      assert.equal(transport.lastRequest().delivered, events[0].length + events[1].length);
    }));

    test("a connection that fails once is made again", withTransport(async (transport) => {
      transport.post(url).retry(1, reply.error("ECONNRESET"), message);
      const client = connect(transport);
      // The client waits before it tries again: not here.
      client.calculateDefaultRetryTimeoutMillis = () => 0;
      assert.equal(textOf(await send(client)), "Hello there");
      assert.deepEqual(transport.requests().map((it) => it.outcome), ["failed", "done"]);
    }));

    test("an unmatched request surfaces as the cause of the client's error", withTransport(async (transport) => {
      transport.get(url).reply(200);
      const error = await failureOf(send(connect(transport, { maxRetries: 0 })));
      assert.ok(error instanceof module.APIConnectionError);
      assert.ok(error.cause instanceof UnmatchedRequestError);
      assert.match(error.cause.message, /✗ method +expected GET/);
      assert.doesNotMatch(String(error.cause), /time/, "a client must not take it for a timeout");
      assert.throws(() => transport.verify(), /no rule matched POST/);
    }));

    test("an unmatched request is not sent again when it gets a status", withTransport({ unmatched: 501 }, async (transport) => {
      const error = await failureOf(send(connect(transport)));
      assert.deepEqual([error.status, transport.count()], [501, 1]);
      assert.match(error.message, /no rule matched POST/);
    }));

    test("platform responses work as well", withTransport({ realResponse: true }, async (transport) => {
      transport.post(url).jsonAt("/stream", true).stream(events, EVENT_STREAM);
      transport.post(url).reply(message);
      const client = connect(transport);
      assert.equal(textOf(await send(client)), "Hello there");
      let text = "";
      for await (const event of await send(client, { stream: true })) text += deltaOf(event);
      assert.equal(text, "Hello there");
    }));

    test("with the transport installed, a client that is given nothing", withTransport(async (transport) => {
      transport.post(url).reply(message);
      transport.install();
      try {
        assert.equal(textOf(await send(new module({ apiKey: "sk-test" }))), "Hello there");
      } finally {
        transport.uninstall();
      }
    }));
  });
}

test("Anthropic's message stream puts the message together", withTransport(async (transport) => {
  transport.post("/v1/messages").stream(ANTHROPIC_STREAM, EVENT_STREAM);
  const client = new Anthropic({ apiKey: "sk-test", fetch: transport.fetch });
  const stream = client.messages.stream({ model: "claude-test", max_tokens: 64, messages: [{ role: "user", content: "Hi" }] });
  const final = await stream.finalMessage();
  assert.deepEqual([final.content[0].text, final.stop_reason, final.usage.output_tokens], ["Hello there", "end_turn", 3]);
}));
