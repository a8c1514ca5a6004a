/**
 * The transport's time under a test runner, whose fake timers may be on: one suite for all of them.
 *
 * `runner` has the runner's `describe` and `test`, its `fakeTimers` (`install`, `uninstall`, and
 * `advance`, which also lets promise callbacks run; `hasClock` says whether `performance.now()` is
 * faked as well), and the modules as the runner loads them.
 */

const assert = require("node:assert/strict");

const MINUTE = 60_000;
const URL_TEXT = "https://api.test/a";
const COMPLETION = { id: "c", object: "chat.completion", created: 0, model: "m", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }] };

module.exports = function suite({ describe, test, fakeTimers, MockTransport, OpenAI }) {
  for (const faked of [false, true]) {
    const withTransport = (options, body) => async () => {
      if (faked) fakeTimers.install();
      const transport = new MockTransport(options);
      try {
        await body(transport);
      } finally {
        transport.dispose();
        if (faked) fakeTimers.uninstall();
      }
    };

    describe(`fake timers ${faked ? "on" : "off"}`, () => {
      test("instant: a client that backs off for a minute has it behind it at once", withTransport({}, async (transport) => {
        transport.get("/a").retry(3, 503, "at last");
        const response = await backingOff(transport);
        assert.equal(await response.text(), "at last");
        assert.equal(transport.now(), MINUTE);
      }));

      test("instant: a deadline is reached", withTransport({}, async (transport) => {
        await assert.rejects(transport.waitForRequests(1, { timeout: MINUTE }), { code: "MOCKWIRE_TIMED_OUT" });
        assert.equal(transport.now(), MINUTE);
      }));

      test("manual: the test moves time", withTransport({ timing: "manual" }, async (transport) => {
        transport.get("/a").retry(3, 503, "at last");
        const responding = backingOff(transport);
        for (const [step, requests] of [[0, 1], [9_999, 1], [1, 2], [20_000, 3], [29_999, 3]]) {
          transport.advance(step);
          await promiseCallbacks();
          assert.equal(transport.count(), requests);
        }
        transport.advance(1);
        assert.equal(await (await responding).text(), "at last");
        assert.deepEqual(transport.requests().map((it) => it.at), [0, 10_000, 30_000, MINUTE]);
      }));

      test("a request waited for is there as soon as it has come", withTransport({ timing: "manual" }, async (transport) => {
        transport.get("/a").reply(204);
        const waiting = transport.waitForRequests(1);
        await transport.fetch(URL_TEXT);
        assert.equal((await waiting).length, 1);
      }));
    });

    const whatSdkNeeds = { unmatched: 404 };
    for (const timing of faked ? ["instant", "manual", "real"] : []) {
      test(`an unmodified client's back-off, with fake timers and ${timing} timing`, withTransport({ timing, ...whatSdkNeeds }, async (transport) => {
        const failure = { status: 429, headers: { "retry-after": "59" } };
        transport.post("/v1/chat/completions").retry(2, new Response("{}", failure), COMPLETION);
        const client = new OpenAI({ apiKey: "k", baseURL: "https://api.test/v1", fetch: transport.fetch, maxRetries: 2 });
        let answer;
        const asking = client.chat.completions.create({ model: "m", messages: [] }).then((it) => (answer = it));
        for (const requests of [1, 2]) {
          await fakeTimers.advance(58_999);
          assert.equal(transport.count(), requests);
          await fakeTimers.advance(1);
        }
        await asking;
        assert.equal(answer.choices[0].message.content, "hello");
        if (fakeTimers.hasClock) assert.equal(transport.now(), timing === "real" ? 118_000 : 0);
      }));
    }
  }

  describe("real timing", () => {
    const withReal = (body) => async () => {
      const transport = new MockTransport({ timing: "real" });
      try {
        await body(transport);
      } finally {
        transport.dispose();
        fakeTimers.uninstall();
      }
    };

    test("without fake timers, time passes", withReal(async (transport) => {
      await Promise.all([transport.sleep(1), transport.sleep(3)]);
      assert.ok(transport.now() >= 3);
    }));

    test("fake timers move it", async () => {
      fakeTimers.install();
      await withReal(async (transport) => {
        transport.get("/a").retry(3, 503, "at last");
        const responding = backingOff(transport);
        await fakeTimers.advance(9_999);
        assert.equal(transport.count(), 1);
        if (fakeTimers.hasClock) assert.equal(transport.now(), 9_999);
        await fakeTimers.advance(50_001);
        assert.equal(await (await responding).text(), "at last");
        const times = transport.requests().map((it) => it.at);
        if (fakeTimers.hasClock) assert.deepEqual(times, [0, 10_000, 30_000, MINUTE]);
        assert.ok(times[3] >= MINUTE);
      })();
    });

    test("fake timers may come when the transport is there, and go before it", withReal(async (transport) => {
      await transport.sleep(1);
      fakeTimers.install();
      const before = transport.now();
      const sleeping = transport.sleep(MINUTE);
      await fakeTimers.advance(MINUTE);
      await sleeping;
      const after = transport.now();
      assert.ok(after - before >= MINUTE && after - before < MINUTE + 1000, `${after - before}`);
      fakeTimers.uninstall();
      await transport.sleep(1);
      assert.ok(transport.now() >= after + 1);
    }));

    test("fake timers move streams: merged ones keep their order", async () => {
      fakeTimers.install();
      await withReal(async (transport) => {
        for (const [path, gap] of [["a", 20], ["b", 30]]) {
          transport.get(`/${path}`).stream(["1", "2", "3", "4"], { gap });
        }
        const log = [];
        const decoder = new TextDecoder();
        const read = async (path) => {
          const { body } = await transport.fetch(`https://api.test/${path}`);
          for await (const chunk of body) log.push(path + decoder.decode(chunk));
        };
        const reading = Promise.all(["a", "b"].map(read));
        let isOver = false;
        void reading.then(() => (isOver = true));
        await fakeTimers.advance(50);
        if (fakeTimers.hasClock) assert.deepEqual(log, ["a1", "b1", "a2", "b2", "a3"]);
        // What a timer sets in motion may need a task of the platform's before the next timer is set.
        for (let steps = 0; !isOver && steps < 1000; steps++) await fakeTimers.advance(10);
        assert.deepEqual(log, ["a1", "b1", "a2", "b2", "a3", "a4", "b3", "b4"]);
      })();
    });

    test("what lasts longer than a timer can", async () => {
      fakeTimers.install();
      await withReal(async (transport) => {
        const days = 100 * 24 * 60 * MINUTE;
        let isOver = false;
        const sleeping = transport.sleep(days).then(() => (isOver = true));
        await fakeTimers.advance(days - 1);
        assert.equal(isOver, false);
        await fakeTimers.advance(1);
        await sleeping;
      })();
    });
  });
};

/** A client that gives itself a minute, in the transport's time. */
async function backingOff(transport) {
  for (const delay of [10_000, 20_000, 30_000]) {
    const response = await transport.fetch(URL_TEXT);
    if (response.ok) return response;
    await transport.sleep(delay);
  }
  return transport.fetch(URL_TEXT);
}

async function promiseCallbacks() {
  for (let n = 0; n < 50; n += 1) await Promise.resolve();
}
