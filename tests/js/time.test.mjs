/** The transport's time: who waits, in which order it comes, and who moves it. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { DisposedError, InvalidArgumentError, MockTransport, WaitTimeoutError } from "mockwire";
import { failureOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "https://api.test/a";
const reason = { my: "own reason" };

/** Notes when each of these sleeps ends. */
function sleepers(transport, durations) {
  const log = [];
  for (const [index, duration] of durations.entries()) {
    transport.sleep(duration).then(() => log.push([index, transport.now()]), () => {});
  }
  return log;
}

describe("instant: nobody waits", () => {
  test("a back-off of a minute", withTransport(async (transport) => {
    transport.get("/a").retry(3, 503, "at last");
    let response;
    let delay = 10_000;
    while ((response = await transport.fetch(URL_TEXT)).status === 503) {
      await response.body?.cancel();
      await transport.sleep(delay);
      delay += 10_000;
    }
    assert.equal(await response.text(), "at last");
    assert.equal(transport.now(), 60_000);
    assert.deepEqual(transport.requests().map((it) => it.at), [0, 10_000, 30_000, 60_000]);
  }));

  test("what is due comes in order, and what is due together in the order of the calls", withTransport(async (transport) => {
    const log = sleepers(transport, [20, 10, 20, 0, 10.5]);
    await transport.sleep(30);
    assert.deepEqual(log, [[3, 0], [1, 10], [4, 10.5], [0, 20], [2, 20]]);
  }));

  test("one who was served sets the next alarm before time goes on", withTransport(async (transport) => {
    const log = [];
    const every = async (name, step, times) => {
      for (let n = 0; n < times; n += 1) {
        await transport.sleep(step);
        await Promise.resolve();
        log.push(`${name}${transport.now()}`);
      }
    };
    await Promise.all([every("a", 2, 4), every("b", 3, 3)]);
    // `b` was due to be at 6 before `a` was: it asked at 3, and `a` at 4.
    assert.deepEqual(log, ["a2", "b3", "a4", "b6", "a6", "a8", "b9"]);
  }));

  test("time stands still while promise callbacks run", withTransport(async (transport) => {
    const log = sleepers(transport, [1]);
    for (let n = 0; n < 1000; n += 1) await Promise.resolve();
    assert.deepEqual(log, []);
    await settled();
    await settled();
    assert.deepEqual(log, [[0, 1]]);
  }));

  test("a deadline and a sleep are on one clock", withTransport(async (transport) => {
    transport.get("/a").reply(200);
    const waiting = transport.waitForRequests(2, { timeout: 50 });
    const failure = failureOf(waiting);
    await transport.fetch(URL_TEXT);
    await transport.sleep(49);
    assert.equal(transport.pending().filter((it) => it.due === 50).length, 1);
    assert.ok((await failure) instanceof WaitTimeoutError);
    assert.equal(transport.now(), 50);
  }));

  test("advance moves it as well", withTransport(async (transport) => {
    transport.advance(5);
    const log = sleepers(transport, [10]);
    transport.advance(25);
    await Promise.resolve();
    assert.deepEqual([log, transport.now()], [[[0, 30]], 30]);
  }));

  test("an hour in a thousand steps", withTransport(async (transport) => {
    for (let n = 0; n < 1000; n += 1) await transport.sleep(3600);
    assert.equal(transport.now(), 3_600_000);
  }));
});

describe("manual: time is the test's", () => {
  test("nothing happens without advance", withTransport({ timing: "manual" }, async (transport) => {
    const log = sleepers(transport, [1]);
    await settled();
    assert.deepEqual([log, transport.now()], [[], 0]);
  }));

  test("each alarm goes off at its own time, although one advance covers them all", withTransport({ timing: "manual" }, async (transport) => {
    const log = [];
    const failures = [20, 10, 30].map((timeout) => failureOf(transport.waitForRequests(1, { timeout })).then((error) => log.push(error.message)));
    transport.advance(100);
    assert.equal(transport.now(), 100);
    await Promise.all(failures);
    assert.deepEqual(log.map((message) => /until (\d+) ms/.exec(message)[1]), ["10", "20", "30"]);
  }));

  test("what is due now needs no advance", withTransport({ timing: "manual" }, async (transport) => {
    transport.advance(7);
    await transport.sleep(0);
    assert.equal(transport.now(), 7);
  }));

  test("advance is exact, also in fractions", withTransport({ timing: "manual" }, async (transport) => {
    const log = sleepers(transport, [0.3]);
    for (let n = 0; n < 3; n += 1) transport.advance(0.1);
    await Promise.resolve();
    assert.equal(log.length, 1);
  }));
});

describe("real: the platform's time", () => {
  test("it passes by itself", withTransport({ timing: "real" }, async (transport) => {
    const began = performance.now();
    const log = sleepers(transport, [1]);
    await transport.sleep(6);
    assert.equal(log.length, 1);
    assert.ok(performance.now() - began >= 5);
    assert.ok(transport.now() >= 6);
  }));

  test("nobody else moves it", withTransport({ timing: "real" }, async (transport) => {
    assert.throws(() => transport.advance(1), InvalidArgumentError);
  }));

  test("a deadline", withTransport({ timing: "real" }, async (transport) => {
    assert.ok((await failureOf(transport.waitForRequests(1, { timeout: 2 }))) instanceof WaitTimeoutError);
  }));
});

describe("sleep", () => {
  for (const timing of ["instant", "manual", "real"]) {
    test(`ends with the caller's own reason: ${timing}`, withTransport({ timing }, async (transport) => {
      const controller = new AbortController();
      const sleeping = failureOf(transport.sleep(1000, { signal: controller.signal }));
      controller.abort(reason);
      assert.equal(await sleeping, reason);
      assert.equal(await failureOf(transport.sleep(1, { signal: controller.signal })), reason);
      assert.deepEqual(transport.pending(), []);
    }));

    test(`ends when the transport is disposed: ${timing}`, async () => {
      const transport = new MockTransport({ timing });
      const sleeping = failureOf(transport.sleep(1000));
      transport.dispose();
      assert.ok((await sleeping) instanceof DisposedError);
      assert.ok((await failureOf(transport.sleep(1))) instanceof DisposedError);
    });
  }

  test("no listener stays behind", withTransport(async (transport) => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args) => (listeners++, addEventListener.apply(signal, args));
    signal.removeEventListener = (...args) => (listeners--, removeEventListener.apply(signal, args));
    await transport.sleep(5, { signal });
    assert.equal(listeners, 0);
  }));

  test("goes on over a reset", withTransport({ timing: "manual" }, async (transport) => {
    const log = sleepers(transport, [20, 10]);
    transport.advance(5);
    transport.reset();
    transport.advance(20);
    await Promise.resolve();
    assert.deepEqual(log.map(([index]) => index), [1, 0]);
  }));

  test("for ever, when that is asked for", withTransport(async (transport) => {
    void transport.sleep(Infinity).catch(() => {});
    await transport.sleep(1e9);
    assert.deepEqual(transport.pending(), [{ what: "sleep(Infinity)", due: Infinity }]);
  }));

  test("takes milliseconds", withTransport(async (transport) => {
    for (const wrong of [-1, NaN, "1", undefined]) {
      assert.ok((await failureOf(transport.sleep(wrong))) instanceof InvalidArgumentError);
    }
  }));
});

describe("what never comes", () => {
  test("is named", withTransport({ timing: "manual" }, async (transport) => {
    transport.get("/held").hold();
    transport.get("/unread").reply("text");
    transport.get("/read").reply("text");
    const held = failureOf(transport.fetch("https://api.test/held"));
    await transport.fetch("https://api.test/unread");
    await (await transport.fetch("https://api.test/read")).text();
    void transport.sleep(100).catch(() => {});
    void transport.waitForRequests(9, { matching: "GET /a", timeout: 50 }).catch(() => {});
    const pending = transport.pending();
    assert.deepEqual(pending.map((it) => it.due), [Infinity, Infinity, 50, 100]);
    assert.match(pending[0].what, /^#1 GET https:\/\/api\.test\/held: no reply yet from GET \/held \(/);
    assert.match(pending[1].what, /^#2 GET https:\/\/api\.test\/unread: its body was not read to the end \(0 bytes were\)$/);
    assert.deepEqual(pending.slice(2).map((it) => it.what), ["waitForRequests(9) of GET /a", "sleep(100)"]);
    assert.equal(pending[0].request, transport.request(1));
    transport.dispose();
    await held;
  }));

  test("keeps no process alive", () => {
    const code = (timing) => `
      import { MockTransport } from "mockwire";
      const transport = new MockTransport({ timing: "${timing}" });
      await transport.sleep(1);
      transport.waitForRequests(1, { timeout: 3_600_000 }).catch(() => {});
      if (transport.now() >= 1) console.log("done");
      transport.dispose();`;
    for (const timing of ["instant", "real"]) {
      const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code(timing)], { cwd: import.meta.dirname, encoding: "utf8", timeout: 60_000 });
      assert.equal(printed, "done\n");
    }
  });
});
