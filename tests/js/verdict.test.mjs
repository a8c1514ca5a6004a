/**
 * How clients behave: a naive loop fails in every respect, a careful one and the official clients pass.
 * Nobody waits: loops pause in the transport's time, and the official clients with Node's mock of
 * `setTimeout`, which moves it.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { DisposedError, InvalidArgumentError, MockTransport, MockwireError, reply, VerificationError } from "mockwire";
import { ResilienceError, verdict } from "mockwire/verdict";
import { failureOf, settled, withTransport } from "./support.mjs";
import { ANTHROPIC, ANTHROPIC_RATE_LIMIT, OPENAI, OPENAI_RATE_LIMIT } from "./wire.mjs";

const URL_OF_PAYMENTS = "https://api.test/v1/payments";
const busy = (headers) => reply.json({ error: "busy" }, { status: 429, headers });
const status = (code, headers) => reply.json({ error: code }, { status: code, headers });
const paid = reply.json({ ok: true });

/** Every expectation but that of a number. */
const EXPECTATIONS = [
  "expectResilient",
  "expectHonouredRetryAfter",
  "expectBackedOff",
  "expectIdempotent",
  "expectBodiesDrained",
  "expectBodiesReleased",
  "expectNoFutileRetries",
  "expectNeverGaveUp",
  "expectNotHedged",
];

/** Those that do not hold. */
function failing(judged) {
  return EXPECTATIONS.filter((name) => {
    try {
      judged[name]();
      return false;
    } catch (error) {
      assert.ok(error instanceof ResilienceError);
      return true;
    }
  });
}

const kinds = (judged) => judged.findings.map(({ kind }) => kind);
const grouped = (judged) => judged.calls.map(({ attempts }) => attempts.map(({ sequence }) => sequence));
const waits = (judged) => judged.calls.flatMap(({ attempts }) => attempts.map(({ waited }) => waited));

/** What many write: again after a second, whatever was answered, with a new key, and nobody reads the answer. */
async function naive(transport, body = '{"amount":10}') {
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    const headers = { "idempotency-key": `key-${attempt}` };
    try {
      const response = await transport.fetch(URL_OF_PAYMENTS, { method: "POST", headers, body });
      if (response.ok) return response.json();
    } catch {
      // Again.
    }
    await transport.sleep(1000);
  }
}

/** As it should be. */
async function careful(transport, key, body = '{"amount":10}') {
  for (let attempt = 0; ; attempt += 1) {
    let wait = 500 * 2 ** attempt;
    try {
      const response = await transport.fetch(URL_OF_PAYMENTS, { method: "POST", headers: { "idempotency-key": key }, body });
      const answer = await response.json();
      if (response.status < 500 && response.status !== 429) return answer;
      const asked = response.headers.get("retry-after");
      if (asked !== null) wait = Number(asked) * 1000;
    } catch (error) {
      if (attempt === 4) throw error;
    }
    await transport.sleep(wait);
  }
}

describe("a naive loop", () => {
  const run = async (transport) => {
    transport.post(URL_OF_PAYMENTS).replySequence(
      [busy({ "retry-after": "3" }), busy({ "retry-after-ms": "2500" }), status(503), status(503), reply.error("ECONNRESET"), status(400)],
      { end: "repeat" },
    );
    await naive(transport);
    return verdict(transport);
  };

  test("fails in every respect that it can", withTransport(async (transport) => {
    const judged = await run(transport);
    assert.equal(judged.isResilient, false);
    assert.deepEqual([...new Set(kinds(judged))], [
      "too-many-attempts",
      "retried-too-early",
      "futile-retry",
      "did-not-back-off",
      "idempotency-key-changed",
      "body-left-open",
    ]);
    assert.deepEqual(failing(judged), EXPECTATIONS.slice(0, 7));
    assert.throws(() => judged.expectMaxAttempts(11), ResilienceError);
    judged.expectMaxAttempts(12);
  }));

  test("in words", withTransport(async (transport) => {
    const text = String(await run(transport));
    const file = new URL("snapshots/verdict.txt", import.meta.url);
    if (process.env.UPDATE_SNAPSHOTS) writeFileSync(file, `${text}\n`);
    assert.equal(`${text}\n`, readFileSync(file, "utf8"));
  }));

  test("as data", withTransport(async (transport) => {
    const judged = await run(transport);
    const [early, other] = judged.findings.filter(({ kind }) => kind === "retried-too-early");
    const { advice, text, ...data } = early;
    assert.deepEqual(data, {
      kind: "retried-too-early",
      severity: "error",
      sequence: 2,
      after: 1,
      asked: { wait: 3000, field: "retry-after" },
      waited: 1000,
    });
    assert.match(text, /^#2 came 1s after the answer to #1, .* 2s too early$/);
    assert.match(advice, /^Wait /);
    assert.deepEqual(other.asked, { wait: 2500, field: "retry-after-ms" });
    const [call] = judged.calls;
    assert.equal(call.request, `POST ${URL_OF_PAYMENTS}`);
    assert.deepEqual(call.attempts[4], { sequence: 5, at: 4000, waited: 1000, status: null, asked: null, outcome: "failed", delivered: 0 });
    assert.equal(judged.callOf(7), call);
    assert.equal(judged.callOf(13), undefined);
  }));

  test("as an error", withTransport(async (transport) => {
    const judged = await run(transport);
    const error = await failureOf(() => judged.expectHonouredRetryAfter());
    assert.ok(error instanceof VerificationError && error instanceof MockwireError);
    assert.deepEqual([error.name, error.code], ["ResilienceError", "MOCKWIRE_VERIFICATION"]);
    assert.match(error.message, /^the client should honour `retry-after`, and did not\n\nPOST https:\/\/api\.test\/v1\/payments: 12 attempts\n/);
    assert.deepEqual(error.calls.flatMap(({ findings }) => findings.map(({ kind }) => kind)), ["retried-too-early", "retried-too-early"]);
  }));
});

test("a careful client passes everything", withTransport(async (transport) => {
  const answers = [busy({ "retry-after": "3" }), reply.error("ECONNRESET"), status(503), paid];
  transport.post(URL_OF_PAYMENTS).replySequence([...answers, paid]);
  await careful(transport, "key-1");
  await careful(transport, "key-2");
  const judged = verdict(transport);
  assert.deepEqual(kinds(judged), []);
  assert.deepEqual(failing(judged), []);
  judged.expectMaxAttempts(4);
  assert.deepEqual(grouped(judged), [[1, 2, 3, 4], [5]]);
  assert.deepEqual(waits(judged), [null, 3000, 1000, 2000, null]);
  assert.match(String(judged), /^the client was resilient in 2 calls \(5 requests\)\n/);
}));

test("a wait is counted from the answer, also when that is late", withTransport(async (transport) => {
  transport.get("/slow").replySequence([reply.json({}, { status: 503, delay: 5000 }), paid]);
  await (await transport.fetch("https://api.test/slow")).text();
  await transport.sleep(2000);
  await (await transport.fetch("https://api.test/slow")).text();
  assert.deepEqual(waits(verdict(transport)), [null, 2000]);
  const [first] = transport.requests();
  assert.deepEqual([first.at, first.answeredAt, first.endedAt], [0, 5000, 5000]);
}));

test("the rest that a client can do", withTransport(async (transport) => {
  const fetch = async (path, init) => (await transport.fetch(`https://api.test${path}`, init)).text();
  transport.get("/hedged").reply(reply.json({}, { delay: 1000 }));
  await Promise.all([fetch("/hedged"), fetch("/hedged")]);
  transport.get("/once").reply(503);
  await fetch("/once");
  transport.get("/hasty").reply(503);
  for (let attempt = 0; attempt < 3; attempt += 1) await fetch("/hasty");
  transport.post("/keyless").retry(1, reply.error("ECONNRESET"), "ok");
  await failureOf(fetch("/keyless", { method: "POST" }));
  await transport.sleep(1000);
  await fetch("/keyless", { method: "POST" });
  transport.post("/reused").reply("ok");
  for (const body of ["1", "2"]) await fetch("/reused", { method: "POST", headers: { "Idempotency-Key": "k" }, body });
  transport.get("/cancelled").reply("some text");
  await (await transport.fetch("https://api.test/cancelled")).body.cancel();
  const judged = verdict(transport);
  assert.deepEqual(judged.findings.map(({ kind, severity }) => `${kind}: ${severity}`), [
    "hedged: note",
    "never-retried: warning",
    "retried-at-once: warning",
    "gave-up: note",
    "idempotency-key-missing: warning",
    "idempotency-key-reused: error",
    "body-cancelled: note",
  ]);
  assert.deepEqual(failing(judged), [
    "expectResilient",
    "expectBackedOff",
    "expectIdempotent",
    "expectBodiesDrained",
    "expectNeverGaveUp",
    "expectNotHedged",
  ]);
}));

describe("which requests are one call", () => {
  const send = async (transport, path, init) => {
    const response = await transport.fetch(`https://api.test${path}`, { method: "POST", ...init });
    await response.arrayBuffer();
  };

  test("those with the same method, URL and body, compared in full, until one succeeds", withTransport(async (transport) => {
    transport.post("/ok").replySequence([503, "ok", "ok"]);
    transport.post("/**").reply(503);
    const bytes = (...values) => ({ body: new Uint8Array(values) });
    const sent = [["/a", { body: "1" }], ["/a", { body: "2" }], ["/b", { body: "1" }], ["/a", { body: "1" }], ["/a", bytes(0xff)], ["/a", bytes(0xfe)], ["/a", bytes(0xff)]];
    for (const [path, init] of sent) await send(transport, path, init);
    for (let n = 0; n < 3; n += 1) await send(transport, "/ok");
    assert.deepEqual(grouped(verdict(transport)), [[1, 4], [2], [3], [5, 7], [6], [8, 9], [10]]);
  }));

  test("those with the same key of the test's own", withTransport(async (transport) => {
    transport.post("/**").reply(503);
    for (const [path, job] of [["/a", "1"], ["/b", "1"], ["/a", "2"], ["/a", ""], ["/a", "1"], ["/a", ""]]) {
      await send(transport, path, { headers: { "x-job": job } });
    }
    const groupBy = ({ headers }) => headers.get("x-job") || undefined;
    assert.deepEqual(grouped(verdict(transport, { groupBy })), [[1, 2, 5], [3], [4, 6]]);
  }));

  test("all attempts of the calls that a rule has answered", withTransport(async (transport) => {
    const refusing = transport.post("/a").once().reply(503);
    const answering = transport.post("/a").reply("ok");
    transport.post("/b").reply("ok");
    for (const path of ["/a", "/b", "/a", "/a"]) await send(transport, path);
    assert.deepEqual(grouped(verdict(transport, { rule: refusing })), [[1, 3]]);
    assert.deepEqual(grouped(verdict(transport, { rule: answering })), [[1, 3], [4]]);
  }));

  test("and other criteria are the test's choice", withTransport(async (transport) => {
    transport.post("/a").replySequence([503, 503, 503, "ok"]);
    for (const wait of [900, 100, 1200, 0]) {
      await send(transport, "/a", { headers: { "PayPal-Request-Id": "1" } });
      await transport.sleep(wait);
    }
    assert.deepEqual(kinds(verdict(transport)), ["did-not-back-off", "idempotency-key-missing"]);
    const options = { idempotencyHeader: "PayPal-Request-Id", jitter: 1, maxAttempts: 3 };
    assert.deepEqual(kinds(verdict(transport, options)), ["too-many-attempts"]);
  }));

  test("what the journal has forgotten is counted", withTransport({ journal: { requests: 2 } }, async (transport) => {
    transport.post("/a").reply("ok");
    for (let n = 0; n < 5; n += 1) await send(transport, "/a");
    const judged = verdict(transport);
    assert.deepEqual([judged.forgotten, grouped(judged)], [3, [[4], [5]]]);
    assert.equal(transport.droppedRequests, 3);
  }));
});

test("what a caller without types may pass", withTransport(async (transport) => {
  for (const nonsense of [undefined, null, 1, {}]) assert.throws(() => verdict(nonsense), InvalidArgumentError);
  for (const options of [null, { jitter: 2 }, { jitter: "1" }, { groupBy: 1 }, { rule: 1 }, { maxAttempts: -1 }, { max: 1 }, { idempotencyHeader: 1 }]) {
    assert.throws(() => verdict(transport, options), InvalidArgumentError, JSON.stringify(options));
  }
  assert.throws(() => verdict(transport).expectMaxAttempts("3"), InvalidArgumentError);
  const reason = new Error("my own");
  transport.get("/").reply("ok");
  await transport.fetch("https://api.test/");
  const groupBy = () => {
    throw reason;
  };
  assert.throws(() => verdict(transport, { groupBy }), reason);
  transport.dispose();
  assert.throws(() => verdict(transport), DisposedError);
}));

test("secrets are not told", withTransport({ redact: ["idempotency-key"] }, async (transport) => {
  transport.get("/").reply(503);
  const headers = { authorization: "Bearer hunter2", "idempotency-key": "hunter2" };
  for (let n = 0; n < 2; n += 1) await (await transport.fetch("https://api.test/", { headers })).text();
  const judged = verdict(transport);
  assert.doesNotMatch(`${judged}${JSON.stringify(judged)}`, /hunter2/);
  judged.expectIdempotent();
}));

const START = Date.UTC(2030, 0, 1, 12);

const CLIENTS = [
  {
    name: "@anthropic-ai/sdk",
    url: "https://api.anthropic.com/v1/messages",
    message: ANTHROPIC,
    rateLimit: ANTHROPIC_RATE_LIMIT,
    connect: (options) => new Anthropic({ apiKey: "sk-test", ...options }),
    send: (client) => client.messages.create({ model: "claude-test", max_tokens: 64, messages: [{ role: "user", content: "Hi" }] }),
  },
  {
    name: "openai",
    url: "https://api.openai.com/v1/chat/completions",
    message: OPENAI,
    rateLimit: OPENAI_RATE_LIMIT,
    connect: (options) => new OpenAI({ apiKey: "sk-test", ...options }),
    send: (client) => client.chat.completions.create({ model: "gpt-test", messages: [{ role: "user", content: "Hi" }] }),
  },
];

for (const { name, url, message, rateLimit, connect, send } of CLIENTS) {
  describe(name, () => {
    beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: START }));
    afterEach(() => mock.timers.reset());

    /** What a call gives, while Node's mock of the time goes on. */
    async function inNoTime(call) {
      let isOver = false;
      const over = () => void (isOver = true);
      call.then(over, over);
      while (!isOver) {
        for (let turn = 0; turn < 20; turn += 1) await settled();
        if (!isOver) mock.timers.tick(1);
      }
      return call;
    }

    /** What the client does with these answers. */
    async function judged(answers, options = {}) {
      const transport = new MockTransport({ timing: "real" });
      transport.post(url).replySequence(answers);
      await inNoTime(send(connect({ fetch: transport.fetch, ...options })));
      const told = verdict(transport);
      transport.dispose();
      return told;
    }

    const refused = (headers) => reply.json(rateLimit, { status: 429, headers });

    for (const [how, headers, wait] of [
      ["in seconds", { "retry-after": "3" }, 3000],
      ["in milliseconds", { "retry-after-ms": "1250", "retry-after": "2" }, 1250],
      ["as a date", { "retry-after": new Date(START + 5000).toUTCString() }, 5000],
    ]) {
      test(`waits as long as it is asked to, ${how}`, async () => {
        const told = await judged([refused(headers), message]);
        assert.deepEqual(told.calls[0].attempts[0].asked?.wait, wait);
        assert.deepEqual(waits(told), [null, wait]);
        told.expectHonouredRetryAfter();
        told.expectResilient();
        told.expectMaxAttempts(2);
      });
    }

    test("backs off by itself, and gives each body back", async () => {
      const told = await judged([status(503), reply.error("ECONNREFUSED"), status(529), message], { maxRetries: 3 });
      told.expectResilient();
      told.expectBackedOff();
      told.expectBodiesReleased();
      told.expectNeverGaveUp();
      assert.deepEqual(grouped(told), [[1, 2, 3, 4]]);
      const [, ...own] = waits(told);
      assert.ok(own[0] >= 375 && own[0] <= 501 && own[1] >= 750 && own[2] >= 1500, String(own));
      // It does not read what it does not need, and sends no idempotency key.
      assert.deepEqual(kinds(told).sort(), ["body-cancelled", "idempotency-key-missing"]);
    });

    test("tries nothing again that another attempt does not change", async () => {
      const transport = new MockTransport({ timing: "real" });
      transport.post(url).reply(400, rateLimit);
      await failureOf(inNoTime(send(connect({ fetch: transport.fetch }))));
      verdict(transport).expectNoFutileRetries();
      assert.equal(transport.count(), 1);
      transport.dispose();
    });

    test("two calls of the same content at once are told apart by its count of attempts", async () => {
      const transport = new MockTransport({ timing: "real" });
      transport.post(url).replySequence([refused({ "retry-after": "1" }), refused({ "retry-after": "4" }), message, message]);
      const client = connect({ fetch: transport.fetch });
      await inNoTime(Promise.all([send(client), send(client)]));
      const told = verdict(transport);
      assert.equal(told.calls.length, 2);
      told.expectResilient();
      told.expectNotHedged();
      transport.dispose();
    });
  });
}

test("the control: a client that is told less than the server asks for is found out", withTransport(async (transport) => {
  transport.post(URL_OF_PAYMENTS).replySequence([busy({ "retry-after-ms": "2000" }), busy({ "retry-after-ms": "2000" }), paid]);
  for (const wait of [2000, 1999, 0]) {
    await (await transport.fetch(URL_OF_PAYMENTS, { method: "POST" })).text();
    await transport.sleep(wait);
  }
  const early = verdict(transport).findings.filter(({ kind }) => kind === "retried-too-early");
  assert.deepEqual(early.map(({ sequence, waited }) => [sequence, waited]), [[3, 1999]]);
}));
