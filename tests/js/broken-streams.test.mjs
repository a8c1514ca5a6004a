/**
 * Streams that break, and what real clients make of them. Where a client takes a broken stream for a
 * whole one, or waits for ever, the test says so: it is the client's, and has to be known.
 */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { reply } from "mockwire";
import OpenAI from "openai";
import { failureOf, settled, withTransport } from "./support.mjs";
import { ANTHROPIC, anthropicStream, EVENT_STREAM, OPENAI, openaiStream } from "./wire.mjs";

const TEXTS = ["Grü", "ße"];
const MESSAGES = [{ role: "user", content: "Hi" }];
const MINUTE = 60_000;

/** `open` gives the events as they come, `collect` the whole text, when the client can do that. */
const CLIENTS = {
  "@anthropic-ai/sdk": {
    url: "https://api.anthropic.com/v1/messages",
    module: Anthropic,
    message: ANTHROPIC,
    events: anthropicStream(TEXTS),
    connect: (transport, options) => new Anthropic({ apiKey: "k", fetch: transport.fetch, logLevel: "off", ...options }),
    ask: (client, options, signal) => client.messages.create({ model: "m", max_tokens: 64, messages: MESSAGES, ...options }, { signal }),
    collect: async (client) => (await client.messages.stream({ model: "m", max_tokens: 64, messages: MESSAGES }).finalMessage()).content[0].text,
    textOf: (event) => event.delta?.text ?? "",
  },
  openai: {
    url: "https://api.openai.com/v1/chat/completions",
    module: OpenAI,
    message: OPENAI,
    events: openaiStream(TEXTS),
    connect: (transport, options) => new OpenAI({ apiKey: "k", fetch: transport.fetch, logLevel: "off", ...options }),
    ask: (client, options, signal) => client.chat.completions.create({ model: "m", messages: MESSAGES, ...options }, { signal }),
    collect: async (client) => (await client.chat.completions.stream({ model: "m", messages: MESSAGES }).finalChatCompletion()).choices[0].message.content,
    textOf: (chunk) => chunk.choices[0].delta.content ?? "",
  },
  "eventsource-parser over fetch": {
    url: "https://api.test/events",
    events: openaiStream(TEXTS),
    connect: (transport) => transport,
    ask: async (transport, _, signal) => {
      const { body } = await transport.fetch("https://api.test/events", { method: "POST", signal });
      return body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    },
    textOf: ({ event, data }) => {
      if (data === "[DONE]") return "";
      return event === "error" ? data : (JSON.parse(data).choices[0].delta.content ?? "");
    },
  },
};
const [ANTHROPIC_CLIENT, OPENAI_CLIENT, PARSER] = Object.keys(CLIENTS);

/** Everything that was heard, and the failure at the end. */
async function heard(transport, { connect, ask, textOf }, options, signal) {
  let text = "";
  try {
    for await (const event of await ask(connect(transport, options), { stream: true }, signal)) text += textOf(event);
  } catch (error) {
    return { text, error };
  }
  return { text };
}

const bytesIn = (events) => Buffer.byteLength(events.join(""));

/** Where the first piece of text is whole, and where the character is that the second one begins with. */
function places({ events }) {
  const at = events.findIndex((event) => event.includes(TEXTS[1]));
  const first = bytesIn(events.slice(0, at));
  return { first, character: first + Buffer.from(events[at]).indexOf("ß") };
}

function answering(transport, client, script) {
  const steps = client.events.slice(0, -1);
  return transport.post(client.url).reply(reply.script({ steps, terminal: client.events.at(-1), ...script }, EVENT_STREAM));
}

const BREAKS = {
  "nothing breaks (the control)": {
    script: () => ({}),
    heard: { text: "Grüße" },
    collected: { [ANTHROPIC_CLIENT]: "Grüße", [OPENAI_CLIENT]: "Grüße" },
    outcome: "done",
  },
  "a clean end without the last event: silently accepted, and by the openai client also when it collects": {
    script: () => ({ withoutTerminal: true }),
    heard: { text: "Grüße" },
    collected: { [ANTHROPIC_CLIENT]: /stream ended without producing a Message/, [OPENAI_CLIENT]: "Grüße" },
    outcome: "done",
  },
  "a clean end in the middle: silently accepted, unless the client collects": {
    script: (client) => ({ cutAt: places(client).first }),
    heard: { text: "Grü" },
    collected: { [ANTHROPIC_CLIENT]: /stream ended without producing a Message/, [OPENAI_CLIENT]: /missing finish_reason/ },
    outcome: "done",
  },
  "a clean end at once: silently accepted, unless the client collects": {
    script: () => ({ cutAt: 0 }),
    heard: { text: "" },
    collected: { [ANTHROPIC_CLIENT]: /ended without sending any chunks/, [OPENAI_CLIENT]: /ended without sending any chunks/ },
    outcome: "done",
  },
  "an end inside a character: half an event, silently dropped": {
    script: (client) => ({ cutAt: places(client).character + 1 }),
    heard: { text: "Grü" },
    collected: { [ANTHROPIC_CLIENT]: /stream ended without producing a Message/, [OPENAI_CLIENT]: /missing finish_reason/ },
    outcome: "done",
  },
  "half of an event's JSON: silently dropped": {
    script: (client) => ({ cutAt: places(client).character - 5 }),
    heard: { text: "Grü" },
    collected: { [ANTHROPIC_CLIENT]: /stream ended without producing a Message/, [OPENAI_CLIENT]: /missing finish_reason/ },
    outcome: "done",
  },
  "a reset between two events": {
    script: (client) => ({ cutAt: places(client).first, end: "reset" }),
    heard: { text: "Grü", cause: "ECONNRESET" },
    collected: { [ANTHROPIC_CLIENT]: /^terminated$/, [OPENAI_CLIENT]: /^terminated$/ },
    outcome: "failed",
  },
  "a reset inside a character": {
    script: (client) => ({ cutAt: places(client).character + 1, end: "reset" }),
    heard: { text: "Grü", cause: "ECONNRESET" },
    collected: { [ANTHROPIC_CLIENT]: /^terminated$/, [OPENAI_CLIENT]: /^terminated$/ },
    outcome: "failed",
  },
  "a reset after the last event": {
    script: () => ({ end: "reset" }),
    heard: { text: "Grüße", cause: "ECONNRESET" },
    collected: { [ANTHROPIC_CLIENT]: /^terminated$/, [OPENAI_CLIENT]: /^terminated$/ },
    outcome: "failed",
  },
  "a timeout of the connection": {
    script: (client) => ({ cutAt: places(client).first, end: { fault: "timeout" } }),
    heard: { text: "Grü", cause: "ETIMEDOUT" },
    collected: { [ANTHROPIC_CLIENT]: /^terminated$/, [OPENAI_CLIENT]: /^terminated$/ },
    outcome: "failed",
  },
};

for (const [name, client] of Object.entries(CLIENTS)) {
  describe(name, () => {
    for (const [what, expected] of Object.entries(BREAKS)) {
      test(what, withTransport(async (transport) => {
        const script = expected.script(client);
        answering(transport, client, script);
        const { text, error } = await heard(transport, client);
        assert.equal(text, expected.heard.text);
        if (expected.heard.cause === undefined) assert.equal(error, undefined);
        else assert.deepEqual([error.constructor, error.message, error.cause.code], [TypeError, "terminated", expected.heard.cause], "what fetch gives, as it is");
        const { outcome, delivered } = transport.lastRequest();
        const whole = bytesIn(script.withoutTerminal ? client.events.slice(0, -1) : client.events);
        assert.deepEqual([outcome, delivered], [expected.outcome, script.cutAt ?? whole]);
        assert.deepEqual([transport.count(), transport.pending()], [1, []], "nobody tries again, nobody waits");
      }));

      if (client.collect === undefined) continue;
      test(`${what}: when it collects`, withTransport(async (transport) => {
        answering(transport, client, expected.script(client));
        const collecting = client.collect(client.connect(transport));
        const collected = expected.collected[name];
        if (typeof collected === "string") assert.equal(await collecting, collected);
        else assert.match((await failureOf(collecting)).message, collected);
        assert.deepEqual([transport.count(), transport.pending()], [1, []]);
      }));
    }

    test("a whole event with half of its JSON", withTransport(async (transport) => {
      const { first } = places(client);
      const half = 'event: message_start\ndata: {"type": "mess\n\n';
      const at = client.events.findIndex((event) => event.includes(TEXTS[1]));
      answering(transport, client, { steps: [...client.events.slice(0, at), half, ...client.events.slice(at)] });
      const { text, error } = await heard(transport, client);
      assert.deepEqual([text, error.constructor], ["Grü", SyntaxError]);
      // Through a pipe, word that the client has left takes a while.
      await settled();
      const { outcome, delivered } = transport.lastRequest();
      assert.deepEqual([outcome, transport.pending()], ["cancelled", []]);
      // A pipe reads ahead.
      if (name === PARSER) assert.ok(delivered > first + half.length && delivered < bytesIn(client.events));
      else assert.equal(delivered, first + half.length);
    }));

    test("an error event in mid-stream", withTransport(async (transport) => {
      const at = client.events.findIndex((event) => event.includes(TEXTS[1]));
      const problem = { type: "error", error: { type: "overloaded_error", message: "busy" } };
      const steps = [...client.events.slice(0, at).map((text) => ({ text })), { event: { event: "error", data: problem } }];
      answering(transport, client, { steps, terminal: undefined });
      const { text, error } = await heard(transport, client);
      if (name === PARSER) {
        assert.deepEqual([text, error], [`Grü${JSON.stringify(problem)}`, undefined], "an event like any other");
      } else {
        assert.deepEqual([text, error.constructor, error.status, error.type], ["Grü", client.module.APIError, undefined, "overloaded_error"]);
        assert.match(error.message, /busy/);
      }
      assert.deepEqual([transport.lastRequest().outcome, transport.count(), transport.pending()], [name === PARSER ? "done" : "cancelled", 1, []], "the status was 200: nobody tries again");
    }));
  });
}

describe("replies that are one JSON text", () => {
  for (const name of [ANTHROPIC_CLIENT, OPENAI_CLIENT]) {
    const client = CLIENTS[name];
    const json = JSON.stringify(client.message);
    const asked = async (transport, script) => {
      transport.post(client.url).reply(reply.script({ steps: [json], ...script }, { headers: { "content-type": "application/json" } }));
      return failureOf(client.ask(client.connect(transport)));
    };

    test(`${name}: half of it`, withTransport(async (transport) => {
      const error = await asked(transport, { cutAt: 30 });
      assert.deepEqual([error.constructor, transport.count()], [SyntaxError, 1]);
    }));

    test(`${name}: half of it, and a reset: nobody tries again`, withTransport(async (transport) => {
      const error = await asked(transport, { cutAt: 30, end: "reset" });
      assert.deepEqual([error.constructor, error.cause.code, transport.count()], [TypeError, "ECONNRESET", 1]);
      assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered], ["failed", 30]);
    }));
  }
});

describe("stalls, and the client's own timeout: under fake timers, so that nobody waits", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  const quiet = async () => {
    for (let turn = 0; turn < 20; turn += 1) await settled();
  };
  const tick = async (milliseconds) => {
    mock.timers.tick(milliseconds);
    await quiet();
  };

  for (const name of [ANTHROPIC_CLIENT, OPENAI_CLIENT]) {
    const client = CLIENTS[name];

    test(`${name}: before the head, its timeout ends it`, withTransport(async (transport) => {
      transport.post(client.url).hold();
      const asking = failureOf(client.ask(client.connect(transport, { timeout: MINUTE, maxRetries: 0 })));
      await quiet();
      await tick(MINUTE - 1);
      assert.equal(transport.lastRequest().outcome, "pending");
      await tick(1);
      assert.ok((await asking) instanceof client.module.APIConnectionTimeoutError);
      assert.deepEqual([transport.lastRequest().outcome, transport.pending()], ["cancelled", []]);
    }));

    test(`${name}: before the head, and it tries again`, withTransport(async (transport) => {
      const rule = transport.post(client.url).replySequence([reply.json({}, { delay: Infinity }), client.message]);
      const asking = client.ask(client.connect(transport, { timeout: MINUTE, maxRetries: 1 }));
      await quiet();
      await tick(MINUTE);
      await tick(MINUTE);
      assert.equal((await asking).id, client.message.id);
      assert.deepEqual(rule.requests().map(({ outcome }) => outcome), ["cancelled", "done"]);
    }));

    for (const [where, script] of [
      ["after the head", { steps: [], terminal: undefined, end: "stall" }],
      ["in the middle", { cutAt: places(client).first, end: "stall" }],
    ]) {
      test(`${name}: ${where}, its timeout ends nothing; who aborts the stream gets a clean end`, withTransport(async (transport) => {
        answering(transport, client, script);
        const stream = await client.ask(client.connect(transport, { timeout: MINUTE }), { stream: true });
        let text = "";
        let isOver = false;
        const reading = (async () => {
          for await (const event of stream) text += client.textOf(event);
          isOver = true;
        })();
        await quiet();
        await tick(1000 * MINUTE);
        assert.deepEqual([text, isOver], [script.cutAt === undefined ? "" : "Grü", false], "it would wait for ever");
        assert.match(transport.pending().at(-1).what, /waits for nothing, because the script stalls/);
        setTimeout(() => stream.controller.abort(), MINUTE);
        await tick(MINUTE);
        await reading;
        const { outcome, delivered } = transport.lastRequest();
        assert.deepEqual([isOver, outcome, delivered, transport.pending()], [true, "cancelled", script.cutAt ?? 0, []]);
      }));
    }

    test(`${name}: in the middle, a signal of the caller's ends it, silently`, withTransport(async (transport) => {
      answering(transport, client, { cutAt: places(client).first, end: "stall" });
      const controller = new AbortController();
      const reading = heard(transport, client, {}, controller.signal);
      setTimeout(() => controller.abort(new Error("my own reason")), MINUTE);
      await quiet();
      await tick(MINUTE);
      assert.deepEqual(await reading, { text: "Grü" });
      assert.deepEqual([transport.lastRequest().outcome, transport.pending()], ["cancelled", []]);
    }));

    test(`${name}: in the middle of a JSON text, its timeout ends nothing`, withTransport(async (transport) => {
      transport.post(client.url).reply(reply.script({ steps: ["{"], end: "stall" }, { headers: { "content-type": "application/json" } }));
      const controller = new AbortController();
      const asking = failureOf(client.ask(client.connect(transport, { timeout: MINUTE }), {}, controller.signal));
      await quiet();
      await tick(1000 * MINUTE);
      assert.equal(transport.lastRequest().outcome, "pending");
      controller.abort();
      assert.equal((await asking).name, "AbortError");
      assert.deepEqual([transport.lastRequest().outcome, transport.lastRequest().delivered, transport.pending()], ["cancelled", 1, []]);
    }));
  }

  test(`${PARSER}: in the middle, whoever reads has to give up, and gets the own reason`, withTransport(async (transport) => {
    const client = CLIENTS[PARSER];
    answering(transport, client, { cutAt: places(client).first, end: "stall" });
    const controller = new AbortController();
    const reading = heard(transport, client, {}, controller.signal);
    const reason = new Error("my own reason");
    setTimeout(() => controller.abort(reason), MINUTE);
    await quiet();
    await tick(MINUTE);
    assert.deepEqual(await reading, { text: "Grü", error: reason });
    assert.deepEqual([transport.lastRequest().outcome, transport.pending()], ["cancelled", []]);
  }));
});
