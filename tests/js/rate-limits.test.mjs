/** Rate limits: true counters, what they tell clients, and how they recover. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { HandlerError, InvalidArgumentError, MockTransport, reply } from "mockwire";
import { eventOf, failureOf, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/";
const get = (transport, init) => transport.fetch(URL_TEXT, init);
const post = (transport, body, headers) => transport.fetch(URL_TEXT, { method: "POST", body: JSON.stringify(body), headers });

/** The statuses of requests at these times; of a limit of one rule, or of the whole transport. */
async function statusesAt(limit, times, ofAll) {
  const transport = new MockTransport({ timing: "manual", ...(ofAll && { rateLimit: limit }) });
  const rule = transport.otherwise();
  (ofAll ? rule : rule.rateLimit(limit)).reply("ok");
  const statuses = [];
  for (const time of times) {
    await transport.advance(time - transport.now());
    statuses.push((await get(transport)).status);
  }
  transport.dispose();
  return statuses;
}

for (const [name, ofAll] of [["a rule", false], ["the whole transport", true]]) {
  describe(`of ${name}`, () => {
    test("a fixed window begins anew at its multiples", async () => {
      const times = [0, 9_000, 9_999, 10_000, 10_001, 19_999, 20_000];
      assert.deepEqual(await statusesAt({ fixedWindow: 2, per: 10_000 }, times, ofAll), [200, 200, 429, 200, 200, 429, 200]);
    });

    test("a sliding window looks back from each request", async () => {
      const times = [0, 9_000, 9_999, 10_000, 10_001, 18_999, 19_000];
      assert.deepEqual(await statusesAt({ slidingWindow: 2, per: 10_000 }, times, ofAll), [200, 200, 429, 200, 429, 429, 200]);
    });

    test("a token bucket refills steadily", async () => {
      // One comes back every 2.5 seconds; never more than two are there.
      const times = [0, 0, 0, 2_499, 2_500, 2_501, 60_000, 60_000, 60_000];
      assert.deepEqual(await statusesAt({ tokenBucket: 2, refill: 2, per: 5_000 }, times, ofAll), [200, 200, 429, 429, 200, 429, 200, 200, 429]);
    });
  });
}

describe("a refusal says when to try again, and that is true", () => {
  const LIMITS = {
    "a fixed window": { fixedWindow: 1, per: 2_500 },
    "a sliding window": { slidingWindow: 1, per: 2_500 },
    "a token bucket": { tokenBucket: 1, refill: 1, per: 2_500 },
  };

  /** How long a response asks to wait. */
  const waits = {
    seconds: ({ headers }) => Number(headers.get("retry-after")) * 1000,
    date: ({ headers }) => Date.parse(headers.get("retry-after")) - Date.parse(headers.get("date")),
    milliseconds: ({ headers }) => Number(headers.get("retry-after-ms")),
  };

  for (const [name, limit] of Object.entries(LIMITS)) {
    for (const retryAfter of ["seconds", "date", "milliseconds"]) {
      test(`${name}, in ${retryAfter}`, withTransport({ timing: "manual" }, async (transport) => {
        transport.otherwise().rateLimit({ ...limit, retryAfter }).reply("ok");
        await transport.advance(100);
        assert.equal((await get(transport)).status, 200);
        await transport.advance(400);
        const refused = await get(transport);
        assert.equal(refused.status, 429);
        const wait = waits[retryAfter](refused);
        // Rounded up to what can be said; a date of now is rounded down.
        const exact = name === "a fixed window" ? 2_000 : 2_100;
        assert.equal(wait, { milliseconds: exact, seconds: Math.ceil(exact / 1000) * 1000, date: 3_000 }[retryAfter]);
        // A client of its own hand: one tick earlier it is refused, after exactly the delay it is not.
        if (retryAfter === "milliseconds") {
          await transport.advance(wait - 1);
          assert.equal((await get(transport)).status, 429);
          await transport.advance(1);
        } else {
          await transport.advance(wait);
        }
        assert.equal((await get(transport)).status, 200);
      }));
    }
  }

  test("in whole seconds, where they are exact: one tick earlier fails", withTransport({ timing: "manual" }, async (transport) => {
    transport.otherwise().rateLimit({ slidingWindow: 1, per: 3_000 }).reply("ok");
    await get(transport);
    const wait = Number((await get(transport)).headers.get("retry-after")) * 1000;
    assert.equal(wait, 3_000);
    await transport.advance(wait - 0.000_001);
    assert.equal((await get(transport)).status, 429);
    await transport.advance(0.000_001);
    assert.equal((await get(transport)).status, 200);
  }));

  test("by the transport's date, which begins at its epoch", async () => {
    for (const [epoch, date, due] of [
      [undefined, "Wed, 01 Jan 2025 00:00:01 GMT", "Wed, 01 Jan 2025 00:01:00 GMT"],
      [new Date("2031-05-06T07:08:09Z"), "Tue, 06 May 2031 07:08:10 GMT", "Tue, 06 May 2031 07:09:09 GMT"],
      [Date.UTC(2000, 1, 28, 23, 59, 58), "Mon, 28 Feb 2000 23:59:59 GMT", "Tue, 29 Feb 2000 00:00:58 GMT"],
    ]) {
      const transport = new MockTransport({ timing: "manual", ...(epoch !== undefined && { epoch }) });
      transport.otherwise().rateLimit({ fixedWindow: 1, per: 60_000, retryAfter: "date" }).reply("ok");
      await get(transport);
      await transport.advance(1_000);
      const { headers } = await get(transport);
      assert.deepEqual([headers.get("date"), headers.get("retry-after")], [date, due]);
      transport.dispose();
    }
  });

  test("and not at all when waiting is no use", withTransport(async (transport) => {
    transport.otherwise().rateLimit({ fixedWindow: 100, per: 1_000, tokens: (request) => request.json().tokens }).reply("ok");
    const refused = await post(transport, { tokens: 101 });
    assert.deepEqual([refused.status, refused.headers.get("retry-after"), refused.headers.get("ratelimit-remaining")], [429, null, "100"]);
  }));
});

describe("every reply says how the limit stands", () => {
  /** The header fields of rate limits, of requests at these times. */
  async function fieldsAt(limit, times, send = get) {
    const transport = new MockTransport({ timing: "manual" });
    transport.otherwise().rateLimit(limit).reply("ok");
    const fields = [];
    for (const time of times) {
      await transport.advance(time - transport.now());
      const { headers } = await send(transport);
      fields.push([...headers].filter(([name]) => name.includes("ratelimit")).map(([, value]) => value));
    }
    transport.dispose();
    return fields;
  }

  test("in the fields of the draft, which count down and recover", async () => {
    assert.deepEqual(await fieldsAt({ fixedWindow: 3, per: 60_000 }, [0, 1_000, 30_500, 59_999, 60_000]), [
      ["3", "2", "60"], ["3", "1", "59"], ["3", "0", "30"], ["3", "0", "1"], ["3", "2", "60"],
    ]);
  });

  test("as OpenAI tells it", withTransport({ timing: "manual" }, async (transport) => {
    transport.otherwise().rateLimit({ tokenBucket: 10, refill: 1, per: 1_000, headers: "openai" }).rateLimit({ fixedWindow: 1_000, per: 90_000, headers: "openai", tokens: (request) => request.json().max_tokens }).reply("ok");
    const { headers } = await post(transport, { max_tokens: 250.2 });
    assert.deepEqual(Object.fromEntries([...headers].filter(([name]) => name.startsWith("x-"))), {
      "x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "749", "x-ratelimit-reset-tokens": "1m30s",
    });
  }));

  test("as Anthropic tells it", withTransport({ timing: "manual" }, async (transport) => {
    transport.otherwise().rateLimit({ fixedWindow: 5, per: 60_000, headers: "anthropic" }).rateLimit({ fixedWindow: 1_000, per: 60_000, headers: "anthropic", tokens: () => 400 }).reply("ok");
    const { headers } = await get(transport);
    assert.deepEqual(Object.fromEntries([...headers].filter(([name]) => name.startsWith("anthropic-"))), {
      "anthropic-ratelimit-requests-limit": "5", "anthropic-ratelimit-requests-remaining": "4", "anthropic-ratelimit-requests-reset": "2025-01-01T00:01:00Z",
      "anthropic-ratelimit-tokens-limit": "1000", "anthropic-ratelimit-tokens-remaining": "600", "anthropic-ratelimit-tokens-reset": "2025-01-01T00:01:00Z",
    });
  }));

  test("or in none", async () => {
    assert.deepEqual(await fieldsAt({ fixedWindow: 1, per: 60_000, headers: "none" }, [0, 0]), [[], []]);
  });

  test("of several limits with the same fields, the scarcest", async () => {
    const transport = new MockTransport({ rateLimit: [{ fixedWindow: 3, per: 60_000 }, { fixedWindow: 2, per: 1_000 }] });
    transport.otherwise().reply("ok");
    const told = [];
    for (let n = 0; n < 3; n += 1) told.push((await get(transport)).headers.get("ratelimit-limit"));
    assert.deepEqual(told, ["2", "2", "2"]);
    transport.dispose();
  });

  test("also when no rule matched, when the reply is damaged, and for a connection", async () => {
    const transport = new MockTransport({ rateLimit: { fixedWindow: 9, per: 1_000 }, unmatched: 404 });
    const left = (response) => [response.status, response.headers.get("ratelimit-remaining")];
    assert.deepEqual(left(await get(transport)), [404, "8"]);
    transport.get("/").chaos([{ share: 1, damage: { status: 503 } }]).reply("ok");
    assert.deepEqual(left(await get(transport)), [503, "7"]);
    transport.websocket("wss://api.test/chat").accept();
    const socket = new transport.WebSocket("wss://api.test/chat");
    await eventOf(socket, "open");
    assert.deepEqual([transport.lastRequest().status, transport.lastRequest().responseHeaders.get("ratelimit-remaining")], [101, "6"]);
    transport.dispose();
  });
});

describe("what is counted", () => {
  test("is counted by key", withTransport(async (transport) => {
    const key = (request) => request.headers.get("x-api-key") ?? "";
    transport.otherwise().rateLimit({ fixedWindow: 1, per: 1_000, key }).reply("ok");
    const statuses = [];
    for (const account of ["a", "b", "a", "b", "c"]) statuses.push((await get(transport, { headers: { "x-api-key": account } })).status);
    assert.deepEqual(statuses, [200, 200, 429, 429, 200]);
  }));

  test("are requests that were answered: what is refused takes no turn", withTransport({ timing: "manual" }, async (transport) => {
    const rule = transport.get("/").times(2).rateLimit({ fixedWindow: 1, per: 1_000 }).reply("limited");
    transport.get("/").reply("other");
    assert.equal(await (await get(transport)).text(), "limited");
    assert.equal((await get(transport)).status, 429);
    assert.equal(rule.calls, 1);
    assert.deepEqual(rule.requests().map(({ status }) => status), [200, 429]);
    await transport.advance(1_000);
    assert.equal(await (await get(transport)).text(), "limited");
    assert.equal(await (await get(transport)).text(), "other");
    transport.verify();
  }));

  test("counts for all limits that apply together, or for none", withTransport({ timing: "manual", rateLimit: [{ fixedWindow: 2, per: 1_000, headers: "none" }, { fixedWindow: 10, per: 60_000 }] }, async (transport) => {
    transport.otherwise().reply("ok");
    const left = [];
    for (let n = 0; n < 4; n += 1) left.push((await get(transport)).headers.get("ratelimit-remaining"));
    assert.deepEqual(left, ["9", "8", "8", "8"]);
    await transport.advance(1_000);
    assert.equal((await get(transport)).headers.get("ratelimit-remaining"), "7");
  }));

  test("with a body that has to be read first", withTransport({ rateLimit: { fixedWindow: 10, per: 1_000, tokens: (request) => request.text().length } }, async (transport) => {
    transport.otherwise().reply("ok");
    const send = (text) => transport.fetch(URL_TEXT, { method: "POST", body: new Blob([text]) });
    const [first, second] = await Promise.all([send("sixsix"), send("five5")]);
    assert.deepEqual([first.status, second.status], [200, 429]);
    assert.equal(transport.request(2).text(), "five5");
  }));

  test("begins anew after a reset, with the functions of the transport", withTransport({ rateLimit: { fixedWindow: 1, per: 1_000, key: (request) => request.method } }, async (transport) => {
    transport.otherwise().reply("ok");
    assert.deepEqual([(await get(transport)).status, (await get(transport)).status], [200, 429]);
    transport.reset();
    transport.otherwise().reply("ok");
    assert.deepEqual([(await get(transport)).status, (await get(transport)).status], [200, 429]);
  }));

  test("connections count as well", withTransport(async (transport) => {
    transport.websocket("wss://api.test/chat").rateLimit({ fixedWindow: 1, per: 60_000 }).accept();
    const first = new transport.WebSocket("wss://api.test/chat");
    await eventOf(first, "open");
    assert.equal(transport.lastRequest().responseHeaders.get("ratelimit-remaining"), "0");
    const second = new transport.WebSocket("wss://api.test/chat");
    assert.match((await eventOf(second, "error")).error.message, /refused with 429/);
  }));
});

describe("a refusal", () => {
  test("may be any reply", withTransport(async (transport) => {
    const refuseWith = reply.json({ error: { type: "rate_limit_error" } }, { status: 529, headers: { "x-should-retry": "true", "retry-after": "99" } });
    transport.otherwise().rateLimit({ fixedWindow: 1, per: 5_000, refuseWith }).reply("ok");
    await get(transport);
    const refused = await get(transport);
    assert.deepEqual([refused.status, refused.headers.get("retry-after"), refused.headers.get("x-should-retry")], [529, "5", "true"]);
    assert.deepEqual(await refused.json(), { error: { type: "rate_limit_error" } });
    assert.equal(transport.lastRequest().responseHeaders.get("retry-after"), "5");
  }));

  test("of the whole transport comes before any rule is asked", withTransport({ rateLimit: { fixedWindow: 1, per: 5_000, refuseWith: 503 } }, async (transport) => {
    let asked = 0;
    transport.all((request) => (asked += 1, request.method === "GET")).reply("ok");
    assert.equal((await get(transport)).status, 200);
    const refused = await get(transport);
    assert.deepEqual([refused.status, refused.headers.get("retry-after"), asked], [503, "5", 1]);
    const { rule, outcome } = transport.lastRequest();
    assert.deepEqual([rule, outcome], [undefined, "done"]);
    transport.expectNoUnmatched();
  }));

  test("says 429, and is text", withTransport({ rateLimit: { fixedWindow: 1, per: 5_000 } }, async (transport) => {
    transport.otherwise().reply("ok");
    await get(transport);
    const refused = await get(transport);
    assert.equal(refused.headers.get("content-type"), "text/plain;charset=UTF-8");
    assert.equal(await refused.text(), "too many requests");
  }));
});

describe("in real time", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2030, 0, 1) }));
  afterEach(() => mock.timers.reset());

  for (const ofAll of [false, true]) {
    test(`counters recover as the platform's time passes: ${ofAll ? "of all" : "of a rule"}`, async () => {
      const limit = { slidingWindow: 1, per: 20_000, retryAfter: "date" };
      const transport = new MockTransport({ timing: "real", ...(ofAll && { rateLimit: limit }) });
      const rule = transport.otherwise();
      (ofAll ? rule : rule.rateLimit(limit)).reply("ok");
      await get(transport);
      mock.timers.tick(500);
      const refused = await get(transport);
      assert.equal(refused.status, 429);
      // Dates are the platform's.
      assert.equal(refused.headers.get("date"), new Date().toUTCString());
      assert.equal(Date.parse(refused.headers.get("retry-after")), Date.UTC(2030, 0, 1, 0, 0, 20));
      mock.timers.tick(19_499);
      assert.equal((await get(transport)).status, 429);
      mock.timers.tick(1);
      assert.equal((await get(transport)).status, 200);
      transport.dispose();
    });
  }
});

describe("what the test's own functions do wrong", () => {
  for (const [what, wrong, said] of [
    ["tokens", () => { throw new RangeError("no idea"); }, /no idea/],
    ["tokens", () => -1, /a number from 0, not -1/],
    ["tokens", () => undefined, /not undefined/],
    ["key", () => null, /a key is a string, not null/],
  ]) {
    test(`${what} ${said}`, async () => {
      for (const ofAll of [false, true]) {
        const limit = { fixedWindow: 1, per: 1_000, [what]: wrong };
        const transport = new MockTransport(ofAll ? { rateLimit: limit } : {});
        const rule = transport.otherwise();
        const handle = (ofAll ? rule : rule.rateLimit(limit)).reply("ok");
        const error = await failureOf(get(transport));
        assert.ok(error instanceof HandlerError);
        assert.match(error.message, said);
        assert.deepEqual([handle.calls, transport.lastRequest().outcome], [0, "failed"]);
        transport.dispose();
      }
    });
  }
});

test("limits that make no sense are refused", withTransport((transport) => {
  for (const limit of [
    {}, null, 7, { fixedWindow: 0, per: 1 }, { fixedWindow: 1 }, { fixedWindow: 1, per: 0 }, { fixedWindow: 1, per: Infinity }, { fixedWindow: 1.5, per: 1 },
    { fixedWindow: 1, slidingWindow: 1, per: 1 }, { tokenBucket: 1, per: 1 }, { fixedWindow: 1, refill: 1, per: 1 }, { fixedWindow: 1, per: 1, key: "host" },
    { fixedWindow: 1, per: 1, retryAfter: "minutes" }, { fixedWindow: 1, per: 1, headers: "google" }, { fixedWindow: 1, per: 1, window: 3 },
    { fixedWindow: 1, per: 1, refuseWith: reply.template("{{path}}") },
  ]) {
    assert.throws(() => transport.get("/").rateLimit(limit), InvalidArgumentError, JSON.stringify(limit));
    assert.throws(() => new MockTransport({ rateLimit: [limit] }), InvalidArgumentError);
  }
}));

test("each rule tells how its own limit stands, and nobody else's", withTransport(async (transport) => {
  const limit = { slidingWindow: 2, per: 1000 };
  transport.get("/a").rateLimit({ ...limit, headers: "anthropic" }).reply(200);
  transport.get("/b").rateLimit({ ...limit, headers: "openai" }).reply(200);
  transport.get("/c").rateLimit({ ...limit, headers: "none", retryAfter: "none" }).reply(200);
  const told = async (path) => {
    const { headers } = await transport.fetch(`https://api.test${path}`);
    return [...headers.keys()].filter((name) => /ratelimit|retry/.test(name)).map((name) => name.split("-ratelimit")[0]);
  };
  assert.deepEqual(new Set(await told("/a")), new Set(["anthropic"]));
  assert.deepEqual(new Set(await told("/b")), new Set(["x"]));
  for (const _ of [1, 2, 3]) assert.deepEqual(await told("/c"), []);
}));
