/**
 * The retries of official clients against true rate limits, and nobody waits: the clients pause with
 * `setTimeout`, which is Node's mock, and the transport's time is that of the same mock.
 */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { MockTransport, reply } from "mockwire";
import { failureOf, settled } from "./support.mjs";

const START = Date.UTC(2030, 0, 1, 12);

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: START }));
afterEach(() => mock.timers.reset());

/** What needs no timer has happened. */
async function quiet() {
  for (let turn = 0; turn < 20; turn += 1) await settled();
}

/** Time goes on by so much. */
async function tick(milliseconds) {
  mock.timers.tick(milliseconds);
  await quiet();
}

const CLIENTS = [
  {
    module: Anthropic,
    url: "https://api.anthropic.com/v1/messages",
    headers: "anthropic",
    message: { id: "msg_1", type: "message", role: "assistant", model: "claude-test", content: [{ type: "text", text: "Hello" }], stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 9, output_tokens: 1 } },
    refusal: { type: "error", error: { type: "rate_limit_error", message: "Too many requests" } },
    send: (client, tokens = 64) => client.messages.create({ model: "claude-test", max_tokens: tokens, messages: [{ role: "user", content: "Hi" }] }),
    textOf: ({ content }) => content[0].text,
  },
  {
    module: OpenAI,
    url: "https://api.openai.com/v1/chat/completions",
    headers: "openai",
    message: { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "gpt-test", choices: [{ index: 0, message: { role: "assistant", content: "Hello", refusal: null }, finish_reason: "stop", logprobs: null }], usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 } },
    refusal: { error: { type: "requests", code: "rate_limit_exceeded", message: "Too many requests", param: null } },
    send: (client, tokens = 64) => client.chat.completions.create({ model: "gpt-test", max_tokens: tokens, messages: [{ role: "user", content: "Hi" }] }),
    textOf: ({ choices }) => choices[0].message.content,
  },
];

for (const { module, url, headers, message, refusal, send, textOf } of CLIENTS) {
  describe(module === Anthropic ? "@anthropic-ai/sdk" : "openai", () => {
    /** Runs a test with a client and a rule that is limited so. */
    function limited(limit, body, { clientOptions, fetchOf = (transport) => transport.fetch } = {}) {
      return async () => {
        const transport = new MockTransport({ timing: "real" });
        const refuseWith = reply.json(refusal, { status: 429 });
        transport.post(url).rateLimit({ headers, refuseWith, ...limit }).reply(message);
        const client = new module({ apiKey: "sk-test", fetch: fetchOf(transport), ...clientOptions });
        // Each request: when it came, and what it got.
        const told = () => transport.requests().map(({ at, status }) => `${at} ${status}`);
        await body({ transport, client, told });
        transport.dispose();
      };
    }

    for (const [retryAfter, wait] of [["seconds", 20_000], ["milliseconds", 20_000], ["date", 20_000]]) {
      test(`retries after exactly the delay, told in ${retryAfter}, and succeeds`, limited({ slidingWindow: 1, per: wait, retryAfter }, async ({ transport, client, told }) => {
        assert.equal(textOf(await send(client)), "Hello");
        let answer;
        send(client).then((it) => (answer = it));
        await quiet();
        assert.deepEqual(told(), ["0 200", "0 429"]);
        await tick(wait - 1);
        assert.deepEqual([told().length, answer], [2, undefined], "it waits as long as it was told to");
        await tick(1);
        assert.deepEqual(told(), ["0 200", "0 429", "20000 200"]);
        assert.equal(textOf(answer), "Hello");
        assert.equal(transport.lastRequest().headers.get("x-stainless-retry-count"), "1");
      }));
    }

    test("waits for no whole second where milliseconds are told", limited({ tokenBucket: 1, refill: 4, per: 5_000, retryAfter: "milliseconds" }, async ({ client, told }) => {
      await send(client);
      await tick(7);
      const second = send(client);
      await quiet();
      await tick(1_243);
      assert.equal(textOf(await second), "Hello");
      assert.deepEqual(told(), ["0 200", "7 429", "1250 200"]);
    }));

    // The control: the same client, told one millisecond less.
    const hasty = (transport) => async (input, init) => {
      const response = await transport.fetch(input, init);
      const fields = new Headers(response.headers);
      const wait = Number(fields.get("retry-after-ms"));
      if (wait > 1) fields.set("retry-after-ms", String(wait - 1));
      return new Response(await response.text(), { status: response.status, headers: fields });
    };

    test("one tick earlier fails", limited({ slidingWindow: 1, per: 20_000, retryAfter: "milliseconds" }, async ({ client, told }) => {
      await send(client);
      const second = send(client);
      await quiet();
      await tick(19_999);
      assert.deepEqual(told(), ["0 200", "0 429", "19999 429"]);
      await tick(1);
      assert.equal(textOf(await second), "Hello");
      assert.deepEqual(told(), ["0 200", "0 429", "19999 429", "20000 200"]);
    }, { fetchOf: hasty }));

    test("a date in the middle of a second is waited for to the millisecond", limited({ slidingWindow: 1, per: 20_000, retryAfter: "date" }, async ({ client, told }) => {
      await tick(250);
      await send(client);
      await tick(500);
      const second = send(client);
      await quiet();
      // Free at 20,250, which as a date is the 21st second.
      await tick(20_249);
      assert.equal(told().length, 2);
      await tick(1);
      assert.equal(textOf(await second), "Hello");
      assert.deepEqual(told(), ["250 200", "750 429", "21000 200"]);
    }));

    test("many at once come through one after the other, as fast as the limit allows", limited({ tokenBucket: 2, refill: 1, per: 1_000, retryAfter: "milliseconds" }, async ({ client, told }) => {
      const answers = Promise.all(Array.from({ length: 6 }, () => send(client)));
      await quiet();
      for (let n = 0; n < 4_000; n += 250) await tick(250);
      assert.ok((await answers).every((answer) => textOf(answer) === "Hello"));
      assert.deepEqual(told().filter((it) => it.endsWith("200")), ["0 200", "0 200", "1000 200", "2000 200", "3000 200", "4000 200"]);
    }, { clientOptions: { maxRetries: 9 } }));

    test("tokens are counted as the body says", limited({ fixedWindow: 100, per: 60_000, tokens: (request) => request.json().max_tokens }, async ({ transport, client, told }) => {
      await send(client, 70);
      const second = send(client, 31);
      await quiet();
      const name = headers === "openai" ? "x-ratelimit-remaining-tokens" : "anthropic-ratelimit-tokens-remaining";
      assert.equal(transport.lastRequest().responseHeaders.get(name), "30");
      await send(client, 30);
      await tick(60_000);
      assert.equal(textOf(await second), "Hello");
      assert.deepEqual(told(), ["0 200", "0 429", "0 200", "60000 200"]);
    }));

    test("x-should-retry: false ends it at once", limited({ slidingWindow: 1, per: 20_000, refuseWith: reply.json(refusal, { status: 429, headers: { "x-should-retry": "false" } }) }, async ({ client, told }) => {
      await send(client);
      const error = await failureOf(send(client));
      assert.ok(error instanceof module.RateLimitError);
      assert.match(error.message, /Too many requests/);
      assert.equal(error.headers.get("retry-after"), "20");
      assert.deepEqual(told(), ["0 200", "0 429"]);
    }));

    test("x-should-retry: true repeats what is no rate limit to the client", limited({ slidingWindow: 1, per: 3_000, refuseWith: reply.json(refusal, { status: 400, headers: { "x-should-retry": "true" } }) }, async ({ client, told }) => {
      await send(client);
      const second = send(client);
      await quiet();
      await tick(3_000);
      assert.equal(textOf(await second), "Hello");
      assert.deepEqual(told(), ["0 200", "0 400", "3000 200"]);
    }));

    test("no more retries than there are: the client's error says why", limited({ slidingWindow: 1, per: 20_000, retryAfter: "milliseconds" }, async ({ client, told }) => {
      await send(client);
      const failing = failureOf(send(client));
      await quiet();
      await tick(19_999);
      const error = await failing;
      assert.ok(error instanceof module.RateLimitError);
      assert.deepEqual([error.status, error.headers.get("retry-after"), told()], [429, "1", ["0 200", "0 429", "19999 429"]]);
    }, { clientOptions: { maxRetries: 1 }, fetchOf: hasty }));

    test("what goes wrong by chance is retried, and for one seed always the same way", async () => {
      const run = async (seed) => {
        const transport = new MockTransport({ timing: "real", seed, chaos: [{ share: 0.3, damage: { status: 503 } }, { share: 0.2, damage: { fault: "connectionReset" } }] });
        transport.post(url).reply(message);
        const client = new module({ apiKey: "sk-test", fetch: transport.fetch, maxRetries: 20 });
        for (let n = 0; n < 5; n += 1) {
          let isDone = false;
          const sent = send(client).then((answer) => ((isDone = true), textOf(answer)));
          await quiet();
          while (!isDone) await tick(10_000);
          assert.equal(await sent, "Hello");
        }
        const told = transport.requests().map(({ status, outcome }) => `${status} ${outcome}`);
        transport.dispose();
        return told;
      };
      const first = await run(4);
      assert.deepEqual(await run(4), first);
      assert.notDeepEqual(await run(5), first);
      assert.ok(first.includes("undefined failed") && first.includes("503 done") && first.at(-1) === "200 done", first.join());
    });

    test("a limit on concurrency makes it wait without a retry", async () => {
      mock.timers.reset();
      const transport = new MockTransport({ concurrency: { max: 2 } });
      transport.post(url).reply(reply.json(message, { delay: 1_000 }));
      const client = new module({ apiKey: "sk-test", fetch: transport.fetch });
      await Promise.all(Array.from({ length: 6 }, () => send(client)));
      assert.deepEqual([transport.now(), transport.count(), transport.concurrency().peak], [3_000, 6, 2]);
      assert.deepEqual(transport.requests().map(({ queued }) => queued), [0, 0, 1_000, 1_000, 2_000, 2_000]);
      transport.dispose();
    });
  });
}

test("a client of its own hand: one tick earlier fails, after exactly the delay it succeeds", async () => {
  for (const early of [1, 0]) {
    const transport = new MockTransport({ timing: "manual" });
    transport.get("https://api.test/").rateLimit({ slidingWindow: 2, per: 30_000, retryAfter: "milliseconds" }).reply("ok");
    const get = () => transport.fetch("https://api.test/");
    await Promise.all([get(), get()]);
    await transport.advance(12_345);
    const refused = await get();
    const wait = Number(refused.headers.get("retry-after-ms"));
    assert.equal(wait, 30_000 - 12_345);
    await transport.advance(wait - early);
    assert.equal((await get()).status, early === 0 ? 200 : 429);
    transport.dispose();
  }
});
