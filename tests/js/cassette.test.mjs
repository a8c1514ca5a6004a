/** Cassettes: recorded without changing anything, kept without secrets, replayed as they were. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { HandlerError, InvalidArgumentError, MockTransport, MockwireError, UnmatchedRequestError, VerificationError } from "mockwire";
import { CassetteError, fromHar, Recorder, toHar } from "mockwire/cassette";
import { chunksOf, failureOf, settled } from "./support.mjs";

const fixture = (name) => readFileSync(new URL(`../fixtures/cassettes/${name}`, import.meta.url), "utf8");

/** A directory that goes when the test is over. */
function directory(context) {
  const path = mkdtempSync(join(tmpdir(), "mockwire-"));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A transport that this recorder answers, and the real ones behind it. */
function over(recorder) {
  const transport = new MockTransport();
  transport.otherwise().reply(recorder.handler);
  return transport;
}

function recording(fetch, options = {}) {
  return new Recorder(undefined, { mode: "record", fetch, ...options });
}

/** A real transport with these replies, one after the other. */
function real(...replies) {
  let at = 0;
  return async () => {
    const { body, ...init } = replies[Math.min(at++, replies.length - 1)];
    return new Response(body, init);
  };
}

const json = (value, headers = {}) => ({ body: JSON.stringify(value), headers: { "content-type": "application/json", ...headers } });

async function text(transport, url, init) {
  return (await transport.fetch(url, init)).text();
}

/** A body whose pieces come when they are told to. */
function scripted() {
  let controller;
  let cancelled;
  const pulls = { count: 0 };
  const body = new ReadableStream({
    start(it) { controller = it; },
    pull() { pulls.count += 1; },
    cancel(reason) { cancelled = { reason }; },
  }, { highWaterMark: 0 });
  const encoder = new TextEncoder();
  return {
    body, pulls,
    send: (piece) => controller.enqueue(encoder.encode(piece)),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
    get cancelled() { return cancelled; },
  };
}

const URL_ = "https://api.test/v1/messages";

describe("recording", () => {
  test("the client sees what the real transport has answered", async () => {
    const real = new Response("hello", { status: 201, statusText: "Made", headers: { "x-a": "1", "content-type": "text/plain" } });
    Object.defineProperties(real, { url: { value: "https://elsewhere.test/end" }, redirected: { value: true } });
    let passed;
    const transport = over(recording(async (request) => { passed = request; return real; }));
    const response = await transport.fetch(`${URL_}?a=1`, { method: "POST", body: "hi", headers: { "x-b": "2" } });
    assert.deepEqual([passed.url, passed.method, passed.headers.get("x-b"), await passed.text()], [`${URL_}?a=1`, "POST", "2", "hi"]);
    assert.deepEqual([response.status, response.statusText, response.headers.get("x-a")], [201, "Made", "1"]);
    assert.deepEqual([response.url, response.redirected], ["https://elsewhere.test/end", true]);
    assert.equal(await response.text(), "hello");
    transport.dispose();
  });

  test("a stream goes through piece by piece, and no piece is asked for before the client does", async () => {
    const upstream = scripted();
    let now = 0;
    const recorder = recording(async () => new Response(upstream.body, { headers: { "content-type": "text/event-stream" } }), { now: () => now });
    const transport = over(recorder);
    const reader = (await transport.fetch(URL_)).body.getReader();
    await settled();
    assert.equal(upstream.pulls.count, 0);
    const decoder = new TextDecoder();
    for (const piece of ["data: 1\n\n", "data: 2\n\ndata: ", "3\n\n"]) {
      const read = reader.read();
      await settled();
      now += 20;
      upstream.send(piece);
      assert.equal(decoder.decode((await read).value), piece);
      assert.equal(recorder.goingOn, 1);
    }
    upstream.end();
    assert.equal((await reader.read()).done, true);
    assert.equal(recorder.goingOn, 0);
    const [{ response }] = JSON.parse(recorder.cassette).entries;
    assert.deepEqual(response.frames, [{ after: 20, data: "1" }, { after: 20, data: "2" }, { after: 20, data: "3" }]);
    assert.equal(response.end, undefined);
    transport.dispose();
  });

  test("what fails, fails with the real error, and is recorded up to there", async () => {
    const refused = new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
    const recorder = recording(() => Promise.reject(refused));
    const transport = over(recorder);
    assert.equal(await failureOf(transport.fetch(URL_)), refused);
    const thrown = over(recording(() => { throw refused; }));
    assert.equal(await failureOf(thrown.fetch(URL_)), refused);
    assert.deepEqual(JSON.parse(recorder.cassette).entries, []);
    assert.equal(recorder.goingOn, 0);

    const upstream = scripted();
    const broken = recording(async () => new Response(upstream.body));
    const response = await over(broken).fetch(URL_);
    const body = response.text();
    await settled();
    upstream.send("half");
    await settled();
    const reset = new TypeError("terminated");
    upstream.fail(reset);
    await failureOf(body);
    assert.equal(JSON.parse(broken.cassette).entries[0].response.end, "failed");
    transport.dispose();
  });

  test("a client that goes is not kept, and the real transport is told", async () => {
    const upstream = scripted();
    const recorder = recording(async () => new Response(upstream.body));
    const transport = over(recorder);
    const reader = (await transport.fetch(URL_)).body.getReader();
    const read = reader.read();
    await settled();
    upstream.send("some");
    await read;
    await reader.cancel("enough");
    await settled();
    await settled();
    assert.ok(upstream.cancelled !== undefined);
    assert.equal(JSON.parse(recorder.cassette).entries[0].response.end, "cut");

    // One that has read all there is need not ask for the end.
    const whole = scripted();
    const other = recording(async () => new Response(whole.body));
    const last = (await over(other).fetch(URL_)).body.getReader();
    const piece = last.read();
    await settled();
    whole.send("all");
    await piece;
    whole.end();
    await last.cancel();
    await settled();
    await settled();
    assert.equal(JSON.parse(other.cassette).entries[0].response.end, undefined);
    transport.dispose();
  });

  test("the signal and the redirect mode go on to the real transport", async () => {
    let passed;
    const transport = over(recording((request) => { passed = request; return new Promise(() => {}); }));
    const controller = new AbortController();
    const call = transport.fetch(URL_, { signal: controller.signal, redirect: "error" });
    await settled();
    assert.equal(passed.redirect, "error");
    controller.abort();
    assert.equal((await failureOf(call)).name, "AbortError");
    assert.equal(passed.signal.aborted, true);
    transport.dispose();
  });

  test("what comes for a client that has gone is not kept, and is cancelled", async () => {
    let answer;
    const upstream = scripted();
    const recorder = recording(() => new Promise((resolve) => (answer = resolve)));
    const transport = over(recorder);
    const controller = new AbortController();
    const call = transport.fetch(URL_, { signal: controller.signal });
    await settled();
    assert.equal(recorder.goingOn, 1);
    controller.abort();
    await failureOf(call);
    answer(new Response(upstream.body));
    await settled();
    assert.equal(recorder.goingOn, 0);
    assert.ok(upstream.cancelled !== undefined);
    assert.deepEqual(JSON.parse(recorder.cassette).entries, []);
    transport.dispose();
  });

  test("the platform's fetch is the real transport unless another one is given, also while a mock stands in its place", async () => {
    const original = globalThis.fetch;
    globalThis.fetch = async () => new Response("platform");
    const recorder = new Recorder(undefined, { mode: "record" });
    const transport = over(recorder);
    try {
      assert.equal(await text(transport, URL_), "platform");
      transport.install();
      assert.equal(await (await fetch(URL_)).text(), "platform");
    } finally {
      transport.dispose();
      globalThis.fetch = original;
    }
    assert.equal(JSON.parse(recorder.cassette).entries.length, 2);
  });

  test("a body that was decoded on the way is recorded as it is, without the name of its coding", async () => {
    const recorder = recording(real({ body: "decoded", headers: { "content-encoding": "gzip", "content-length": "99" } }));
    const response = await over(recorder).fetch(URL_);
    assert.equal(response.headers.get("content-encoding"), "gzip");
    await response.text();
    const [entry] = JSON.parse(recorder.cassette).entries;
    assert.equal(entry.response.headers?.["content-encoding"] ?? entry.response.headers?.["content-length"], undefined);
    assert.deepEqual(entry.response.body, { text: "decoded" });
  });

  test("recording the same traffic again makes the same file, to the byte", async (context) => {
    const path = join(directory(context), "chat.json");
    const round = async (id, date) => {
      const recorder = await Recorder.open(path, {
        mode: "record",
        now: () => 0, // how long the real one takes is recorded, too
        fetch: real(json({ id: `msg_${id}`, created_at: date }, { date: new Date(date).toUTCString(), "request-id": `req_${id}` }),
          json({ of: `msg_${id}` })),
      });
      const transport = over(recorder);
      const { id: given } = JSON.parse(await text(transport, URL_));
      await text(transport, `${URL_}/${given}`);
      await recorder.save();
      transport.dispose();
      return readFileSync(path, "utf8");
    };
    const first = await round("01AbCdEf23GhIjKl45", "2026-03-01T10:00:00Z");
    assert.match(first, /msg_rec0001/);
    assert.equal(await round("01ZyXwVu98TsRqPo76", "2026-04-02T11:00:00Z"), first);
    // Negative control.
    const other = await Recorder.open(path, { mode: "record", keepVolatile: true, fetch: real(json({ id: "msg_01ZyXwVu98TsRqPo76", text: "other" })) });
    await text(over(other), URL_);
    assert.notEqual(other.cassette, first);
  });

  test("the same traffic makes the same file as in the Rust crate, to the byte", async () => {
    const traffic = JSON.parse(fixture("traffic.json"));
    let now = -5;
    let answer;
    const recorder = recording(async () => answer, { now: () => (now += 5) });
    const transport = over(recorder);
    const encoder = new TextEncoder();
    for (const { request, response } of traffic) {
      const { pieces, ...init } = response;
      const stream = new ReadableStream({
        pull(controller) {
          if (pieces.length === 0) controller.close();
          else controller.enqueue(encoder.encode(pieces.shift()));
        },
      });
      answer = new Response(response.status === 204 ? null : stream, init);
      const { method, url, headers, body } = request;
      await text(transport, url, { method, headers, body: body === "" ? undefined : body });
    }
    assert.equal(recorder.cassette, fixture("recorded.json"));
    transport.dispose();
  });
});

describe("secrets", () => {
  const SECRETS = ["sk-live_Authorization~1", "sk-live_XApiKey~2+/=", "cookie-Session~3", "set-Cookie~4", "query+Key/5&", "own header 6~x", "own pointer/7é😀", "literal 8 <&>+/é"];
  const [authorization, apiKey, cookie, setCookie, key, own, pointer, literal] = SECRETS;
  const base64 = (value) => Buffer.from(value).toString("base64");

  /** Everything that a text may hide, decoded. */
  function revealed(file) {
    const all = [file];
    for (let round = 0; round < 2; round += 1) {
      for (const known of [...all]) {
        all.push(known.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
        all.push(Buffer.from(all.at(-1), "latin1").toString("utf8"));
        all.push(known.replace(/\\u([0-9a-f]{4})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))).replace(/\\(["\\/])/g, "$1"));
        for (const [run] of known.matchAll(/[A-Za-z0-9+/_-]{8,}/g)) {
          for (let skip = 0; skip < 4; skip += 1) all.push(Buffer.from(run.slice(skip), "base64").toString("utf8"));
        }
      }
    }
    return all;
  }

  const found = (file) => { const all = revealed(file); return SECRETS.filter((secret) => all.some((it) => it.includes(secret))); };

  async function file(context, options) {
    const path = join(directory(context), "secrets.json");
    const everywhere = SECRETS.flatMap((secret) => [secret, base64(secret), encodeURIComponent(secret)]);
    const recorder = await Recorder.open(path, {
      mode: "record",
      fetch: real({ ...json({ user: { name: pointer }, everywhere }, { "set-cookie": `a=${setCookie}; Path=/` }) }),
      ...options,
    });
    const transport = over(recorder);
    await text(transport, `${URL_}?key=${encodeURIComponent(key)}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${authorization}`, "x-api-key": apiKey, cookie: `s=${cookie}`, "x-own": own, "content-type": "application/json",
      },
      body: JSON.stringify({ everywhere, user: { name: pointer } }),
    });
    await recorder.save();
    transport.dispose();
    return readFileSync(path, "utf8");
  }

  test("none is written: not as it is, not in base64, not percent-encoded", async (context) => {
    const redaction = { headers: ["x-own"], json: ["/user/name"], literals: [literal] };
    const written = await file(context, { redaction });
    assert.deepEqual(found(written), []);
    assert.match(written, /<redacted>/);
  });

  test("the search finds them where they are", async (context) => {
    assert.deepEqual(found(await file(context, { redaction: { usual: false } })), SECRETS);
  });

  test("what was redacted matches whatever a request has there", async () => {
    const recorder = recording(real(json({ ok: true })));
    const ask = (transport, secret) => text(transport, `${URL_}?key=${secret}`, { headers: { "x-api-key": secret } });
    await ask(over(recorder), "AIza0123456789");
    assert.match(await ask(over(new Recorder(recorder.cassette)), "another"), /ok/);
  });
});

describe("replaying", () => {
  /** A cassette with these bodies, recorded from one URL. */
  async function cassetteOf(...bodies) {
    const recorder = recording(real(...bodies.map((body) => ({ body }))));
    const transport = over(recorder);
    for (const _ of bodies) await text(transport, URL_);
    transport.dispose();
    return recorder.cassette;
  }

  test("each entry answers once, in order; then the request fails, and the error says why", async () => {
    const recorder = new Recorder(await cassetteOf("one", "two"));
    const transport = over(recorder);
    assert.deepEqual(recorder.unused, [1, 2]);
    const missing = await failureOf(() => recorder.assertAllUsed());
    assert.ok(missing instanceof VerificationError);
    assert.match(missing.message, /2 of 2 recorded requests were not made:\n {2}1\. GET/);
    assert.equal(await text(transport, URL_), "one");
    assert.equal(await text(transport, URL_), "two");
    recorder.assertAllUsed();
    const error = await failureOf(transport.fetch(URL_));
    assert.ok(error instanceof UnmatchedRequestError && !(error instanceof HandlerError));
    assert.equal(error.code, "MOCKWIRE_UNMATCHED");
    assert.match(error.message, /no recorded request is GET/);
    assert.ok(error.diagnosis.nearest[0].excluded);
    assert.equal(error.diagnosis.sequence, 3);
    // Who swallows the error is told once more.
    assert.deepEqual(transport.requests().map(({ outcome }) => outcome), ["done", "done", "unmatched"]);
    assert.match((await failureOf(() => transport.verify())).message, /1 request matched no rule:/);
    assert.throws(() => transport.expectNoUnmatched(), VerificationError);
    transport.dispose();
  });

  test("an error names the nearest entries, and where they first differ", async () => {
    const recorder = recording(real(json({})));
    const ask = (transport, content) => text(transport, URL_, { method: "POST", body: JSON.stringify({ messages: [{ content }] }) });
    await ask(over(recorder), "hello");
    for (const mode of ["replay", "strict", "repeat"]) {
      const error = await failureOf(ask(over(new Recorder(recorder.cassette, { mode })), "good morning"));
      assert.match(error.message, /JSON \/messages\/0\/content {2}expected "hello"/, mode);
      assert.equal(error.diagnosis.nearest[0].checks.at(-1).actual, '"good morning"');
    }
  });

  test("repeat gives the last one again", async () => {
    const transport = over(new Recorder(await cassetteOf("one", "two"), { mode: "repeat" }));
    const told = [];
    for (let n = 0; n < 4; n += 1) told.push(await text(transport, URL_));
    assert.deepEqual(told, ["one", "two", "two", "two"]);
  });

  test("record-missing replays what is there, and adds what is not", async () => {
    const cassette = await cassetteOf("old");
    let calls = 0;
    const recorder = new Recorder(cassette, { mode: "record-missing", fetch: async () => new Response(`new ${(calls += 1)}`) });
    const transport = over(recorder);
    assert.deepEqual([await text(transport, URL_), await text(transport, URL_), await text(transport, `${URL_}/2`)], ["old", "new 1", "new 2"]);
    assert.equal(calls, 2);
    const again = over(new Recorder(recorder.cassette, { mode: "strict" }));
    assert.deepEqual([await text(again, URL_), await text(again, URL_), await text(again, `${URL_}/2`)], ["old", "new 1", "new 2"]);
  });

  test("in parallel, each entry answers exactly once", async () => {
    const bodies = Array.from({ length: 100 }, (_, n) => `body ${n}`);
    const recorder = new Recorder(await cassetteOf(...bodies));
    const transport = over(recorder);
    const told = await Promise.all(bodies.map(() => text(transport, URL_)));
    assert.deepEqual(told.sort(), [...bodies].sort());
    recorder.assertAllUsed();
  });

  test("other rules are asked first", async () => {
    const transport = over(new Recorder(await cassetteOf("recorded"), { mode: "repeat" }));
    transport.get("/own").reply("own");
    assert.deepEqual([await text(transport, "https://api.test/own"), await text(transport, URL_)], ["own", "recorded"]);
  });

  test("what has to agree can be said", async () => {
    const recorder = recording(real(json({})));
    const post = (transport, origin, body, version) => text(transport, `${origin}/v1?trace=${Math.random()}`, {
      method: "POST", body: JSON.stringify(body), headers: { "x-version": version },
    });
    await post(over(recorder), "https://one.test", { a: 1, id: 1 }, "1");
    const matchOn = { origin: false, ignoredQuery: ["trace"], headers: ["x-version"], ignoredJson: ["/id"] };
    const replayed = (options, ...request) => post(over(new Recorder(recorder.cassette, { mode: "repeat", ...options })), ...request);
    await replayed({ matchOn }, "https://two.test", { id: 2, a: 1.0 }, "1");
    assert.ok((await failureOf(replayed({ matchOn }, "https://two.test", { id: 2, a: 1 }, "2"))) instanceof UnmatchedRequestError);
    assert.ok((await failureOf(replayed({}, "https://two.test", { id: 1, a: 1 }, "1"))) instanceof UnmatchedRequestError);
    await replayed({ matchOn: { ...matchOn, body: "partial" } }, "https://two.test", { a: 1, b: 2 }, "1");
  });

  test("streams come frame by frame, at the speed that is asked for, in the transport's time", async () => {
    const upstream = scripted();
    let now = 0;
    const recorder = recording(async () => { now += 300; return new Response(upstream.body, { headers: { "content-type": "text/event-stream" } }); }, { now: () => now });
    const reading = over(recorder).fetch(URL_).then((response) => response.text());
    await settled();
    for (const piece of ["data: 1\n\n", "data: 2\n\n"]) {
      now += 50;
      upstream.send(piece);
      await settled();
    }
    upstream.end();
    await reading;
    for (const [speed, took] of [["instant", 0], ["real", 400], [{ scaled: 2 }, 200]]) {
      const transport = over(new Recorder(recorder.cassette, { speed }));
      const response = await transport.fetch(URL_);
      assert.deepEqual(await chunksOf(response.body), ["data: 1\n\n", "data: 2\n\n"]);
      assert.equal(transport.now(), took);
      transport.dispose();
    }
  });

  test("a body that was cut off fails where it was", async () => {
    const cassette = JSON.stringify({ format: "mockwire-cassette", version: 1, entries: [{
      id: 1, request: { method: "GET", url: URL_ }, response: { status: 200, frames: [{ text: "half" }], end: "cut" },
    }] });
    const response = await over(new Recorder(cassette)).fetch(URL_);
    const reader = response.body.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "half");
    assert.ok((await failureOf(reader.read())) instanceof TypeError);
  });
});

describe("files", () => {
  const EMPTY = '{\n  "format": "mockwire-cassette",\n  "version": 1,\n  "entries": []\n}\n';

  test("what is no cassette is told so, with what to do", async (context) => {
    const path = join(directory(context), "chat.json");
    const golden = fixture("recorded.json");
    for (const [contents, code, words] of [
      [undefined, "MISSING", /does not exist: make it in the mode/],
      [golden.slice(0, golden.length / 2), "TRUNCATED", /is cut off at line \d+, column \d+: restore it/],
      [Buffer.from(golden).subarray(0, Buffer.from(golden).indexOf("é") + 1), "TRUNCATED", /cut off/],
      [golden.replace('"status": 200', '"status": 99'), "CORRUPT", /is corrupt: entry 1: invalid status/],
      [golden.replace('"version": 1', '"version": 2'), "NEWER_VERSION", /use a newer mockwire/],
      ['{"log": {}}', "FOREIGN", /looks like a HAR file/],
      ["<html>", "CORRUPT", /is corrupt at line 1/],
    ]) {
      if (contents !== undefined) writeFileSync(path, contents);
      for (const open of contents === undefined || typeof contents !== "string" ? [() => Recorder.open(path)] : [() => Recorder.open(path), async () => new Recorder(contents)]) {
        const error = await failureOf(open);
        assert.ok(error instanceof CassetteError && error instanceof MockwireError, String(error));
        assert.equal(error.code, `MOCKWIRE_CASSETTE_${code}`);
        assert.match(error.message, words);
      }
      const named = await failureOf(Recorder.open(path));
      assert.ok(named.message.includes(path));
    }
  });

  test("a file is made with its directories, and nothing else is left", async (context) => {
    const root = directory(context);
    const path = join(root, "a", "b", "chat.json");
    const recorder = await Recorder.open(pathToFileURL(path), { mode: "record-missing", fetch: real({ body: "x" }) });
    await text(over(recorder), URL_);
    await recorder.save();
    assert.deepEqual(readdirSync(join(root, "a", "b")), ["chat.json"]);
    assert.equal(readFileSync(path, "utf8"), recorder.cassette);
    const unsaved = await failureOf(new Recorder().save());
    assert.ok(unsaved instanceof InvalidArgumentError);
  });

  test("those who save at once do not overwrite what the others have written", async (context) => {
    const path = join(directory(context), "chat.json");
    const recorders = await Promise.all(Array.from({ length: 8 }, (_, n) =>
      Recorder.open(path, { mode: "record-missing", fetch: real({ body: `body ${n}` }) })));
    await Promise.all(recorders.map((recorder, n) => text(over(recorder), `${URL_}/${n}`)));
    await Promise.all(recorders.map((recorder) => recorder.save()));
    const { entries } = JSON.parse(readFileSync(path, "utf8"));
    assert.deepEqual(entries.map(({ request }) => request.url).sort(), recorders.map((_, n) => `${URL_}/${n}`));
  });

  test("a file that became something else meanwhile stays as it is, and what was recorded is still here", async (context) => {
    const path = join(directory(context), "chat.json");
    writeFileSync(path, EMPTY);
    const recorder = await Recorder.open(path, { mode: "record", fetch: real({ body: "x" }) });
    await text(over(recorder), URL_);
    writeFileSync(path, "half of");
    assert.ok((await failureOf(recorder.save())) instanceof CassetteError);
    assert.equal(readFileSync(path, "utf8"), "half of");
    writeFileSync(path, EMPTY);
    await recorder.save();
    assert.equal(JSON.parse(readFileSync(path, "utf8")).entries.length, 1);
  });

  test("what cannot be read or written is an error with its cause", async (context) => {
    const path = directory(context);
    const unreadable = await failureOf(Recorder.open(path));
    assert.ok(unreadable instanceof CassetteError && unreadable.cause !== undefined);
    assert.equal(unreadable.code, "MOCKWIRE_CASSETTE_UNREADABLE");
    writeFileSync(join(path, "file"), "");
    const recorder = await Recorder.open(join(path, "other", "chat.json"), { mode: "record", fetch: real({ body: "x" }) });
    writeFileSync(join(path, "other"), "");
    const unwritable = await failureOf(recorder.save());
    assert.equal(unwritable.code, "MOCKWIRE_CASSETTE_UNWRITABLE");
  });

  test("a process that is killed while it writes leaves a whole file", async (context) => {
    const root = directory(context);
    const path = join(root, "chat.json");
    const writes = `
      import { Recorder } from "mockwire/cassette";
      import { MockTransport } from "mockwire";
      for (let round = 0; ; round += 1) {
        const fetch = async () => new Response(String(round).repeat(20_000));
        const recorder = await Recorder.open(${JSON.stringify(path)}, { mode: "record", fetch });
        const transport = new MockTransport();
        transport.otherwise().reply(recorder.handler);
        await (await transport.fetch("https://api.test/")).text();
        await recorder.save();
        transport.dispose();
        process.stdout.write(".");
      }`;
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", writes], { cwd: new URL(".", import.meta.url) });
      // After so many saves, wherever it is by then.
      for (let saves = 0; saves <= round; ) saves += (await new Promise((resolve) => child.stdout.once("data", resolve))).length;
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
      assert.equal(JSON.parse(new Recorder(readFileSync(path, "utf8")).cassette).entries.length, 1);
      rmSync(`${path}.lock`, { force: true });
    }
  });

  test("what a dead process has left is told, and harms nothing", async (context) => {
    const path = join(directory(context), "chat.json");
    writeFileSync(path, EMPTY);
    writeFileSync(`${path}.lock`, '{"format": "mockw');
    const recorder = await Recorder.open(path, { mode: "record", fetch: real({ body: "x" }) });
    await text(over(recorder), URL_);
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (then) => setTimeout(then, 0);
    try {
      const error = await failureOf(recorder.save());
      assert.equal(error.code, "MOCKWIRE_CASSETTE_LOCKED");
      assert.ok(error.message.includes(`${path}.lock is to be deleted`));
    } finally {
      globalThis.setTimeout = setTimeout;
    }
    assert.equal(readFileSync(path, "utf8"), EMPTY);
    rmSync(`${path}.lock`);
    await recorder.save();
    assert.equal(JSON.parse(readFileSync(path, "utf8")).entries.length, 1);
  });

  test("a cassette that only replays is not written", async (context) => {
    const path = join(directory(context), "chat.json");
    writeFileSync(path, JSON.stringify({ format: "mockwire-cassette", version: 1, entries: [] }));
    const before = readFileSync(path, "utf8");
    await (await Recorder.open(path, { mode: "replay" })).save();
    assert.equal(readFileSync(path, "utf8"), before);
  });

  test("files may be anywhere", async () => {
    const kept = new Map();
    const encoder = new TextEncoder();
    const files = {
      read: async (path) => kept.get(path),
      update: async (path, change) => void kept.set(path, encoder.encode(change(kept.get(path)))),
    };
    const recorder = await Recorder.open("chat", { mode: "record", files, fetch: real({ body: "x" }) });
    await text(over(recorder), URL_);
    await recorder.save();
    assert.equal(await text(over(await Recorder.open("chat", { files })), URL_), "x");
  });
});

describe("HTTP archives", () => {
  test("nothing is lost on the way there and back", () => {
    const golden = fixture("recorded.json");
    const har = toHar(golden);
    assert.equal(JSON.parse(har).log.version, "1.2");
    assert.deepEqual(fromHar(har), { cassette: golden, skipped: [] });
  });

  test("what a browser has saved is replayed, without its secrets", async () => {
    const har = JSON.stringify({ log: { entries: [
      { request: { method: "GET", url: URL_, headers: [{ name: ":path", value: "/" }, { name: "Cookie", value: "a=session-secret" }] },
        response: { status: 200, headers: [{ name: "Content-Type", value: "application/json" }], content: { text: "e30=", encoding: "base64" } } },
      { request: { method: "GET", url: "wss://api.test/chat?token=x" }, response: { status: 101 }, _webSocketMessages: [] },
    ] } });
    const { cassette, skipped } = fromHar(har);
    assert.ok(!cassette.includes("session-secret"));
    assert.ok(fromHar(har, { redaction: { usual: false } }).cassette.includes("session-secret"));
    assert.deepEqual(skipped, [{ number: 2, request: "GET wss://api.test/chat", reason: "a WebSocket, of which cassettes hold nothing" }]);
    assert.equal(await text(over(new Recorder(cassette)), URL_), "{}");
  });

  test("what is no archive is told so", async () => {
    const error = await failureOf(() => fromHar("<html>"));
    assert.ok(error instanceof CassetteError);
    assert.equal(error.code, "MOCKWIRE_CASSETTE_NOT_HAR");
    assert.match(error.message, /save it anew/);
    assert.equal((await failureOf(() => toHar("{}"))).code, "MOCKWIRE_CASSETTE_FOREIGN");
    for (const wrong of [() => fromHar(7), () => toHar(), () => fromHar("{}", { redaction: 7 })]) {
      assert.ok((await failureOf(wrong)) instanceof InvalidArgumentError);
    }
  });
});

test("mistakes are told when they are made", async () => {
  for (const wrong of [
    () => new Recorder(7),
    () => new Recorder(undefined, 7),
    () => new Recorder(undefined, null),
    () => new Recorder(undefined, { mode: "rewind" }),
    () => new Recorder(undefined, { speed: { scaled: 0 } }),
    () => new Recorder(undefined, { maxBody: 7 }),
    () => new Recorder(undefined, { fetch: 7 }),
    () => new Recorder(undefined, { now: "now" }),
    () => new Recorder(undefined, { redaction: { json: ["no pointer"] } }),
    () => Recorder.open(""),
    () => Recorder.open(new URL("https://api.test/")),
    () => Recorder.open("x", { matchOn: { body: "some" } }),
  ]) {
    const error = await failureOf(wrong);
    assert.ok(error instanceof InvalidArgumentError, `${wrong}: ${error}`);
  }
});

test("a mistake in the options tells no secret that they have", async () => {
  for (const options of [
    { redaction: { literals: ["the-secret"] }, mode: "rewind" },
    { redaction: { literals: ["the-secret"], secrets: [] } },
    { redaction: { literals: "the-secret" } },
    { redaction: { literals: ["the-secret", 7] } },
  ]) {
    const error = await failureOf(() => new Recorder(undefined, options));
    assert.ok(error instanceof InvalidArgumentError && !error.message.includes("the-secret"), String(error));
  }
});

test("as many entries and bytes are recorded as may be, and all go through", async () => {
  const recorder = recording(real({ body: "0123456789" }), { maxEntries: 1, maxBodyBytes: 4 });
  const transport = over(recorder);
  assert.deepEqual([await text(transport, URL_), await text(transport, URL_)], ["0123456789", "0123456789"]);
  assert.equal(recorder.dropped, 1);
  const [{ response }] = JSON.parse(recorder.cassette).entries;
  assert.deepEqual([response.body, response.end], [{ text: "0123" }, "truncated"]);
});

test("replies of a cassette are answers like any other: they are captured, and can be damaged", async () => {
  const recorder = recording(real({ body: "x" }));
  const transport = over(recorder);
  await text(transport, URL_);
  assert.equal(transport.lastRequest().outcome, "done");
  assert.equal(transport.lastRequest().delivered, 1);
  transport.verify();
});
