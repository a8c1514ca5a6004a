/**
 * What streams write, parsers that others wrote can read: server-sent events, lines of JSON and plain
 * bytes, cut at every byte. What a parser does not show is left out of what is expected of it, and said.
 */

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { Stream as AnthropicStream } from "@anthropic-ai/sdk/core/streaming";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { reply } from "mockwire";
import { _iterSSEMessages as openaiMessages, Stream as OpenAIStream } from "openai/core/streaming";
import { parseServerSentEvents } from "parse-sse";
import { allOf, withTransport } from "./support.mjs";

const REST = 1_000_000;

const EVENTS = [
  { data: "one" },
  { comment: ["keep", "alive"] },
  { event: "delta", id: "1", data: "first\nsecond\n\nfourth" },
  { retry: 1500 },
  { comment: "of all", event: "größe", id: "2-ü", retry: 2500, data: " led by a space: with a colon" },
  { data: "Grüße, 世界 😀 \u2028\ufeff." },
  { event: "empty", data: "" },
  { id: "", data: { text: "no id any more\n" } },
  // The parsers hold an event back whose last byte is a CR, until they know that no LF follows.
  { comment: "the end" },
];

const SEEN = EVENTS.filter(({ data }) => data !== undefined).map(({ event, id, data, retry }) => ({
  event,
  id,
  retry,
  data: typeof data === "string" ? data : JSON.stringify(data),
}));

/** Each one gives what it reads in a response, and says what that should be. */
const PARSERS = {
  "eventsource-parser": {
    expected: {
      events: SEEN.map(({ event, id, data }) => [event, id, data]),
      retries: [1500, 2500],
      comments: ["keep", "alive", "of all", "the end"],
    },
    async read(response) {
      const [events, retries, comments] = [[], [], []];
      const parser = new EventSourceParserStream({
        onError: "terminate",
        onRetry: (milliseconds) => retries.push(milliseconds),
        onComment: (comment) => comments.push(comment),
      });
      for await (const { event, id, data } of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
        events.push([event, id, data]);
      }
      return { events, retries, comments };
    },
  },
  "@anthropic-ai/sdk": {
    blindTo: "id: 2-ü",
    expected: SEEN.map(({ event, data }) => [event, data]),
    async read(response) {
      const events = [];
      for await (const { event, data } of AnthropicStream.rawEvents(response)) events.push([event ?? undefined, data]);
      return events;
    },
  },
  openai: {
    blindTo: "id: 2-ü",
    expected: SEEN.map(({ event, data }) => [event, data]),
    async read(response) {
      const events = [];
      for await (const { event, data } of openaiMessages(response, new AbortController())) events.push([event ?? undefined, data]);
      return events;
    },
  },
  "parse-sse": {
    // It drops events with empty data, and takes a CR and the LF of the next chunk for two ends of a line.
    expected: SEEN.filter(({ data }) => data !== "").map(({ event = "message", retry, data }, index) => [event, ["", "1", "2-ü", "2-ü", ""][index], retry, data]),
    isFair: (wire, at) => !(wire[at - 1] === 13 && wire[at] === 10),
    async read(response) {
      const events = [];
      for await (const { type, lastEventId, retry, data } of parseServerSentEvents(response)) events.push([type, lastEventId, retry, data]);
      return events;
    },
  },
};

/** A script whose bytes are cut at the place that the path names. */
function serve(transport, script) {
  transport.all("/cut/:at").reply(({ params }) => reply.script({ ...script, chunking: { sizes: [Number(params.at), REST] } }, { headers: { "content-type": "text/event-stream" } }));
  transport.all("/bytes").reply(reply.script({ ...script, chunking: { bytes: 1 } }));
  transport.all("/whole").reply(reply.script(script));
}

async function bytesOf(response) {
  return new Uint8Array(await response.arrayBuffer());
}

/** The places at which a parser reads something else than it should. */
async function misread(transport, wire, { read, expected, isFair = () => true }, init) {
  const places = [];
  for (let at = 1; at < wire.length; at += 1) {
    if (!isFair(wire, at)) continue;
    const got = await read(await transport.fetch(`https://api.test/cut/${at}`, init)).catch((error) => error);
    try {
      assert.deepEqual(got, expected);
    } catch {
      places.push(at);
    }
  }
  return places;
}

describe("server-sent events, cut at every byte", () => {
  for (const lineEnding of ["lf", "cr", "crlf"]) {
    for (const [mark, name] of [[[], "no byte order mark"], [["\ufeff"], "a byte order mark"]]) {
      for (const [parser, { read, expected, isFair }] of Object.entries(PARSERS)) {
        for (const method of ["GET", "POST"]) {
          test(`${parser}: ${lineEnding}, ${name}, ${method}`, withTransport({ journal: { requests: 10 } }, async (transport) => {
            serve(transport, { steps: [...mark, ...EVENTS.map((event) => ({ event }))], lineEnding });
            const init = method === "POST" ? { method, body: "{}" } : {};
            const wire = await bytesOf(await transport.fetch("https://api.test/whole", init));
            assert.equal(wire.subarray(0, 3).join() === "239,187,191", mark.length > 0);
            assert.deepEqual(await read(await transport.fetch("https://api.test/whole", init)), expected);
            if (isFair === undefined || lineEnding !== "crlf") {
              assert.deepEqual(await read(await transport.fetch("https://api.test/bytes", init)), expected);
            }
            assert.deepEqual(await misread(transport, wire, { read, expected, isFair }, init), []);
            assert.equal(transport.lastRequest().delivered, wire.length);
          }));
        }
      }
    }
  }

  test("the values of reply.events(), of an array and of a generator, are the same bytes", withTransport(async (transport) => {
    transport.get("/array").reply(reply.events(EVENTS));
    transport.get("/generator").reply(reply.events(async function* () { yield* EVENTS; }));
    serve(transport, { steps: EVENTS.map((event) => ({ event })) });
    const [whole, ...others] = await Promise.all(["whole", "array", "generator"].map(async (path) => (await transport.fetch(`https://api.test/${path}`)).text()));
    assert.deepEqual(others, [whole, whole]);
    const { read, expected } = PARSERS["eventsource-parser"];
    assert.deepEqual(await read(await transport.fetch("https://api.test/array")), expected);
    assert.deepEqual(await read(await transport.fetch("https://api.test/generator")), expected);
  }));
});

describe("the control: what is broken is found", () => {
  const wireOf = async (transport) => {
    serve(transport, { steps: EVENTS.map((event) => ({ event })) });
    return bytesOf(await transport.fetch("https://api.test/whole"));
  };
  const brokenText = {
    "a second line without its name": (text) => text.replace("data: second", "second"),
    "a line of data left out": (text) => text.replace(/^data: ?\n/m, ""),
    "events without an end": (text) => text.replaceAll("\n\n", "\n"),
    "a space too few": (text) => text.replace("data:  led", "data: led"),
  };
  for (const [parser, { read, expected, blindTo }] of Object.entries(PARSERS)) {
    for (const [what, broken] of Object.entries(brokenText)) {
      test(`${parser}: ${what}, at every place`, withTransport(async (transport) => {
        const text = new TextDecoder().decode(await wireOf(transport));
        assert.notEqual(broken(text), text);
        transport.reset();
        serve(transport, { steps: [broken(text)] });
        const wire = new TextEncoder().encode(broken(text));
        assert.equal((await misread(transport, wire, { read, expected })).length, wire.length - 1);
      }));
    }

    test(`${parser}: characters put together in each chunk alone, at the places inside of one`, withTransport(async (transport) => {
      const wire = await wireOf(transport);
      transport.reset();
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      transport.get("/cut/:at").reply(({ params: { at } }) => reply.stream([wire.subarray(0, at), wire.subarray(at)].map((chunk) => decoder.decode(chunk))));
      const unseen = blindTo === undefined ? -1 : Buffer.from(wire).indexOf(blindTo) + Buffer.byteLength(blindTo) - 1;
      const inside = [...wire.keys()].filter((at) => (wire[at] & 0xc0) === 0x80 && at !== unseen);
      assert.ok(inside.length > 10);
      assert.deepEqual(await misread(transport, wire, { read, expected }), inside);
    }));
  }

  test("parse-sse: a cut between CR and LF, which is why these are left out", withTransport(async (transport) => {
    const { read, expected } = PARSERS["parse-sse"];
    serve(transport, { steps: [{ event: EVENTS[2] }], lineEnding: "crlf" });
    const wire = await bytesOf(await transport.fetch("https://api.test/whole"));
    const misreads = await misread(transport, wire, { read, expected: [["delta", "1", undefined, expected[1][3]]] });
    assert.ok(misreads.length > 0 && misreads.every((at) => wire[at - 1] === 13 && wire[at] === 10));
  }));
});

describe("lines of JSON, cut at every byte", () => {
  const VALUES = [{ text: "Grüße, 世界 😀" }, [], null, "two\nlines\r\n", -1.5e300, { a: { b: [true, ""] } }];
  const READERS = {
    "the openai client": async ({ body }) => allOf(OpenAIStream.fromReadableStream(body, new AbortController())),
    "the client of Anthropic": async ({ body }) => allOf(AnthropicStream.fromReadableStream(body, new AbortController())),
    "Node's readline": async ({ body }) => {
      const [input, values] = [Readable.fromWeb(body), []];
      try {
        for await (const line of createInterface({ input, crlfDelay: Infinity })) values.push(JSON.parse(line));
      } finally {
        input.destroy();
      }
      return values;
    },
  };
  for (const [name, read] of Object.entries(READERS)) {
    test(name, withTransport(async (transport) => {
      transport.get("/whole").reply(reply.ndjson(function* () { yield* VALUES; }));
      transport.get("/cut/:at").reply(({ params }) => reply.ndjson(VALUES, { chunking: { sizes: [Number(params.at), REST] } }));
      const wire = await bytesOf(await transport.fetch("https://api.test/whole"));
      assert.deepEqual(await read(await transport.fetch("https://api.test/whole")), VALUES);
      assert.deepEqual(await misread(transport, wire, { read, expected: VALUES }), []);
    }));
  }

  test("the control: a line that is not ended", withTransport(async (transport) => {
    const wire = new TextEncoder().encode(VALUES.map((value) => JSON.stringify(value)).join("\n").replace("\n", ""));
    transport.get("/cut/:at").reply(({ params: { at } }) => reply.stream([wire.subarray(0, at), wire.subarray(at)]));
    for (const read of Object.values(READERS)) {
      assert.equal((await misread(transport, wire, { read, expected: VALUES })).length, wire.length - 1);
    }
  }));
});

describe("plain bytes, cut at every byte", () => {
  const BYTES = Uint8Array.from({ length: 256 }, (_, at) => 255 - at);
  const joined = (chunks) => [...Buffer.concat(chunks)];
  const READERS = {
    "arrayBuffer()": async (response) => [...new Uint8Array(await response.arrayBuffer())],
    "blob()": async (response) => [...new Uint8Array(await (await response.blob()).arrayBuffer())],
    "a Node stream": async ({ body }) => joined(await Readable.fromWeb(body).toArray()),
    "a pipe": async ({ body }) => joined(await allOf(body.pipeThrough(new TransformStream()))),
    "a reader of its own buffer": async ({ body }) => {
      const [reader, chunks] = [body.getReader({ mode: "byob" }), []];
      for (;;) {
        const { done, value } = await reader.read(new Uint8Array(100));
        if (done) return joined(chunks);
        chunks.push(value);
      }
    },
  };
  const serveBytes = (transport) => transport.get("/cut/:at").reply(({ params }) => reply.stream([BYTES], { chunking: { sizes: [Number(params.at), REST] } }));
  for (const [name, read] of Object.entries(READERS)) {
    test(name, withTransport(async (transport) => {
      serveBytes(transport);
      assert.deepEqual(await misread(transport, BYTES, { read, expected: [...BYTES] }), []);
    }));
  }

  test("they do come in two chunks, cut at that place", withTransport(async (transport) => {
    serveBytes(transport);
    for (let at = 1; at < BYTES.length; at += 1) {
      const { body } = await transport.fetch(`https://api.test/cut/${at}`);
      assert.deepEqual((await allOf(body)).map((chunk) => chunk.length), [at, BYTES.length - at]);
    }
  }));
});
