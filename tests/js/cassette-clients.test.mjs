/**
 * What official clients make of a replayed recording is what they make of the recording itself: of those in
 * this repository, and of those in the directory that `MOCKWIRE_RECORDINGS` names.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import { MockTransport } from "mockwire";
import { Recorder } from "mockwire/cassette";
import OpenAI from "openai";

const own = fileURLToPath(new URL("../fixtures/providers/", import.meta.url));
const real = process.env.MOCKWIRE_RECORDINGS;

/** Each is asked over this fetch for all that it makes of the stream. */
const CLIENTS = {
  anthropic: async (fetch) => {
    const client = new Anthropic({ apiKey: "sk-secret-of-the-client", fetch, maxRetries: 0 });
    const stream = client.messages.stream({ model: "m", max_tokens: 64, messages: [{ role: "user", content: "hi" }] });
    return { message: await stream.finalMessage(), events: await counted(stream) };
  },
  chat: async (fetch) => {
    const client = new OpenAI({ apiKey: "sk-secret-of-the-client", fetch, maxRetries: 0 });
    const stream = client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "hi" }] });
    return { message: await stream.finalChatCompletion() };
  },
  responses: async (fetch) => {
    const client = new OpenAI({ apiKey: "sk-secret-of-the-client", fetch, maxRetries: 0 });
    const stream = client.responses.stream({ model: "m", input: "hi" });
    return { message: await stream.finalResponse() };
  },
};

async function counted(stream) {
  return stream.receivedMessages.length;
}

/** The recordings of a directory whose name ends like this, with the client that they are for. */
function* recordings(directory, ending) {
  for (const name of readdirSync(directory).filter((name) => name.endsWith(ending))) {
    const lines = readFileSync(join(directory, name), "utf8").split("\n").filter((line) => line.trim() !== "");
    const first = JSON.parse(lines[0]);
    const client = name.startsWith("anthropic") ? "anthropic"
      : first.object === "chat.completion.chunk" ? "chat"
      : typeof first.type === "string" && first.type.startsWith("response.") ? "responses" : undefined;
    if (client === undefined || lines.length < 2) continue;
    const events = lines.map((line) => client === "chat" ? `data: ${line}\n\n` : `event: ${JSON.parse(line).type}\ndata: ${line}\n\n`);
    yield { name, client, body: events.join("") + (client === "chat" ? "data: [DONE]\n\n" : "") };
  }
}

/** A real transport that answers with these bytes, in pieces that are cut anywhere. */
function serving(body) {
  const bytes = new TextEncoder().encode(body);
  return async () => {
    let at = 0;
    let size = 1;
    const stream = new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
        size = (size * 7) % 61 + 1;
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream", "request-id": "req_011CYabcDEF23ghi45JKL" } });
  };
}

async function outcome(ask, fetch) {
  try {
    return await ask(fetch);
  } catch (error) {
    return { error: error.constructor.name, message: error.message };
  }
}

/** Without what recordings make the same each time: ids, dates and padding. */
function masked(value) {
  const text = JSON.stringify(value)
    .replace(/\b([a-z]+(?:_[a-z]+)*[_-])(?:rec\d{4}|(?=[A-Za-z]*\d)[A-Za-z0-9]{12,})/g, "$1ID")
    .replace(/("obfuscation":)"[^"]*"/g, `$1""`)
    .replace(/("created(?:_at)?":)\d+/g, "$10")
    .replace(/("completed_at":)\d+/g, "$10");
  return JSON.parse(text);
}

const all = [...recordings(own, ".jsonl"), ...(real === undefined ? [] : recordings(real, ".chunks.txt"))];

for (const { name, client, body } of all) {
  test(`${name}: ${client}`, async () => {
    const ask = CLIENTS[client];
    const raw = await outcome(ask, serving(body));
    for (const keepVolatile of [true, false]) {
      const recorder = new Recorder(undefined, { mode: "record", fetch: serving(body), keepVolatile });
      const recordingTransport = new MockTransport();
      recordingTransport.otherwise().reply(recorder.handler);
      assert.deepEqual(await outcome(ask, recordingTransport.fetch), raw, "while it is recorded");
      recordingTransport.dispose();

      const replay = new Recorder(recorder.cassette, { mode: "strict" });
      const transport = new MockTransport();
      transport.otherwise().reply(replay.handler);
      const replayed = await outcome(ask, transport.fetch);
      if (keepVolatile) assert.deepEqual(replayed, raw);
      else assert.deepEqual(masked(replayed), masked(raw));
      replay.assertAllUsed();
      transport.dispose();
      assert.ok(!recorder.cassette.includes("secret-of-the-client"));
    }
  });
}

test("there are recordings of each client, and a changed one is noticed", async () => {
  for (const client of Object.keys(CLIENTS)) assert.ok(all.some((it) => it.client === client), client);
  const { body } = all.find(({ name }) => name === "anthropic-text.jsonl");
  const message = await CLIENTS.anthropic(serving(body));
  const changed = await CLIENTS.anthropic(serving(body.replace(/"text":"([^"]+)"/, '"text":"$1!"')));
  assert.notDeepEqual(masked(changed), masked(message));
});
