/** Limits on concurrency: what they let through and when, and that they give back what they held. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DisposedError, HandlerError, InvalidArgumentError, MockTransport, QueueFullError, reply } from "mockwire";
import { eventOf, failureOf, settled, withTransport } from "./support.mjs";

const HOSTS = 7;
/** How long each reply takes. */
const TAKES = 10;

const host = (n) => `https://h${n}.test/`;
const targets = (count) => Array.from({ length: count }, (_, n) => host(n % HOSTS));

/** Makes all of these requests at once, reads every reply, and says how long that took. */
async function burst(transport, urls) {
  const begun = transport.now();
  const texts = await Promise.all(urls.map(async (url) => (await transport.fetch(url)).text()));
  assert.ok(texts.every((text) => text === "ok"));
  return transport.now() - begun;
}

/** A transport whose every reply takes its time; without a body it is over with its head. */
function slow(transport) {
  transport.otherwise().reply(reply.text("ok", { delay: TAKES }));
}

function brief(transport) {
  transport.otherwise().reply(reply.empty(204, { delay: TAKES }));
}

/** What follows from the limits for a burst of requests to all hosts in turn. */
function boundsOf(requests, { max, perHost }) {
  const busiest = Math.ceil(requests / HOSTS);
  const ofAll = max === undefined ? 1 : Math.ceil(requests / max);
  const ofHost = perHost === undefined ? 1 : Math.ceil(busiest / perHost);
  const hosts = perHost === undefined ? requests : Math.min(perHost * HOSTS, requests);
  const both = max !== undefined && perHost !== undefined;
  return {
    lower: TAKES * Math.max(ofAll, ofHost),
    upper: TAKES * (both ? ofAll + ofHost : Math.max(ofAll, ofHost)),
    peak: max === undefined ? hosts : Math.min(max, hosts),
  };
}

const isWithin = ({ lower, upper }, took) => lower <= took && took <= upper;

describe("10,000 requests to 7 hosts", () => {
  const unlimited = (async () => {
    const transport = new MockTransport({ journal: { requests: 16 } });
    slow(transport);
    const took = await burst(transport, targets(10_000));
    transport.dispose();
    return took;
  })();

  for (const limits of [{ perHost: 1 }, { perHost: 7 }, { perHost: 64 }, { max: 1 }, { max: 33 }, { max: 10, perHost: 3 }, { max: 64, perHost: 16 }]) {
    test(`take as long as ${JSON.stringify(limits)} says`, withTransport({ concurrency: limits, journal: { requests: 16 } }, async (transport) => {
      slow(transport);
      const bounds = boundsOf(10_000, limits);
      const took = await burst(transport, targets(10_000));
      assert.ok(isWithin(bounds, took), `${took} is not within ${bounds.lower} and ${bounds.upper}`);
      const seen = transport.concurrency();
      assert.deepEqual([seen.peak, seen.inFlight, seen.waiting, seen.available], [bounds.peak, 0, 0, limits.max ?? Infinity]);
      assert.equal(seen.keys.length, HOSTS);
      for (const { peak, available } of seen.keys) {
        assert.equal(available, limits.perHost ?? Infinity);
        if (limits.max === undefined) assert.equal(peak, limits.perHost);
        else assert.ok(peak <= (limits.perHost ?? limits.max));
      }
      assert.ok(!isWithin(bounds, await unlimited), "the control: without the limiter the same burst fails the same assertion");
    }));
  }
});

test("a busy host with waiters does not delay an idle one", async () => {
  // Far more wait for the busy host than the whole transport has permits: did one of them hold a permit of
  // the transport, the idle host would wait.
  for (const [busy, end] of [[0, TAKES], [100, TAKES * 50]]) {
    const transport = new MockTransport({ concurrency: { max: 3, perHost: 2 } });
    brief(transport);
    const calls = Array.from({ length: busy }, () => transport.fetch(host(0)));
    await Promise.all([...calls, transport.fetch(host(1))]);
    const idle = transport.lastRequest();
    assert.deepEqual([idle.url, idle.at, idle.queued, transport.now()], [host(1), 0, 0, end]);
    transport.dispose();
  }
});

describe("who waits", () => {
  const paths = (transport) => transport.requests().sort((one, other) => one.at + one.queued - other.at - other.queued).map(({ path }) => path.slice(1));
  const priority = (request) => request.headers.get("x-priority") ?? undefined;
  const urgent = (transport, path, priority) => transport.fetch(`https://api.test/${path}`, { headers: { "x-priority": priority } });

  test("is admitted in order of arrival, across hosts", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    brief(transport);
    await Promise.all([0, 1, 0, 2, 1, 0, 2].map((n) => transport.fetch(host(n))));
    assert.deepEqual(transport.requests().map(({ queued }) => queued), [0, 1, 2, 3, 4, 5, 6].map((n) => n * TAKES));
  }));

  test("is admitted by priority, and equals in order", withTransport({ concurrency: { max: 1, priority } }, async (transport) => {
    brief(transport);
    const order = [["first", "low"], ["l1", "low"], ["n1", "normal"], ["c1", "critical"], ["h1", "high"], ["n2", "normal"], ["c2", "critical"], ["l2", "low"]];
    await Promise.all(order.map(([path, priority]) => urgent(transport, path, priority)));
    assert.deepEqual(paths(transport), ["first", "c1", "c2", "h1", "n1", "n2", "l1", "l2"]);
  }));

  for (const [ageing, queued] of [[undefined, 40 * TAKES], [25, 80]]) {
    test(`starves ${ageing === undefined ? "without" : "not with"} ageing`, withTransport({ concurrency: { max: 1, priority, ...(ageing && { ageing }) } }, async (transport) => {
      slow(transport);
      const twenty = async () => {
        for (let n = 0; n < 20; n += 1) await (await urgent(transport, "u", "critical")).text();
      };
      const low = async () => (await urgent(transport, "low", "low")).text();
      await Promise.all([twenty(), twenty(), low()]);
      assert.equal(transport.lastRequest((request) => request.path === "/low").queued, queued);
    }));
  }

  test("counts under the host, or what the function says", async () => {
    const hosts = new MockTransport({ concurrency: { perHost: 1 } });
    slow(hosts);
    assert.equal(await burst(hosts, ["https://A.test/", "http://a.test:8080/", "https://b.test/"]), TAKES * 2);
    assert.deepEqual(hosts.concurrency().keys.map(({ key }) => key), ["a.test", "b.test"]);
    hosts.dispose();

    const models = new MockTransport({ concurrency: { perHost: 1, key: (request) => request.json().model } });
    slow(models);
    const post = (model) => models.fetch("https://api.test/", { method: "POST", body: JSON.stringify({ model }) }).then((it) => it.text());
    await Promise.all(["small", "large", "small"].map(post));
    assert.equal(models.now(), TAKES * 2);
    assert.deepEqual(models.concurrency().keys.map(({ key, peak }) => [key, peak]), [["large", 1], ["small", 1]]);
    models.dispose();
  });

  test("with a body that has to be read first, is asked when it is there", withTransport({ concurrency: { max: 1, key: (request) => request.text() } }, async (transport) => {
    slow(transport);
    const post = (text) => transport.fetch("https://api.test/", { method: "POST", body: new Blob([text]) }).then((it) => it.text());
    await Promise.all([post("a"), post("b")]);
    assert.deepEqual(transport.concurrency().keys.map(({ key }) => key), ["a", "b"]);
    assert.deepEqual(transport.requests().map((it) => [it.at, it.queued, it.text()]), [[0, 0, "a"], [0, TAKES, "b"]]);
  }));

  test("is captured, and the rules are asked once it is admitted", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    const held = transport.get("/held").hold();
    const rule = transport.get("/").reply("before");
    const first = transport.fetch("https://api.test/held");
    const waiting = failureOf(transport.fetch("https://api.test/"));
    const second = transport.fetch("https://api.test/");
    await settled();
    assert.deepEqual([transport.count(), rule.calls], [3, 0]);
    assert.match(transport.pending()[1].what, /^#2 GET https:\/\/api\.test\/: waits for others to be over/);
    rule.remove();
    (await held.next()).reply(204);
    await first;
    assert.equal((await waiting).code, "MOCKWIRE_UNMATCHED");
    // Failing has freed its permit; there was no rule in between.
    assert.equal((await failureOf(second)).code, "MOCKWIRE_UNMATCHED");
    transport.get("/").reply("after");
    assert.equal(await (await transport.fetch("https://api.test/")).text(), "after");
  }));

  test("follows a redirect as a request of its own", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    transport.get("/old").redirect("/new");
    transport.get("/new").reply("new");
    assert.equal(await (await transport.fetch("https://api.test/old")).text(), "new");
    assert.equal(transport.concurrency().inFlight, 0);
  }));
});

describe("a permit is held until the exchange is over", () => {
  const inFlight = (transport) => transport.concurrency().inFlight;

  test("however it ends", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    const url = (path) => `https://api.test/${path}`;
    transport.get("/ok").reply("ok");
    transport.get("/empty").reply(204);
    transport.get("/stream").stream(["a", "b"]);
    transport.get("/broken").stream(["a"], { end: "reset" });
    transport.get("/error").error("ETIMEDOUT");
    transport.get("/handler").reply(() => {
      throw new Error("no");
    });
    const response = await transport.fetch(url("ok"));
    assert.equal(inFlight(transport), 1, "until its body is read");
    await response.text();
    assert.equal(inFlight(transport), 0, "done");
    await transport.fetch(url("empty"));
    assert.equal(inFlight(transport), 0, "done with the head");
    await (await transport.fetch(url("stream"))).body.cancel();
    assert.equal(inFlight(transport), 0, "cancelled body");
    await failureOf((await transport.fetch(url("broken"))).text());
    assert.equal(inFlight(transport), 0, "broken body");
    await failureOf(transport.fetch(url("error")));
    assert.equal(inFlight(transport), 0, "failed");
    await failureOf(transport.fetch(url("handler")));
    assert.equal(inFlight(transport), 0, "failed handler");
    await failureOf(transport.fetch(url("nowhere")));
    assert.equal(inFlight(transport), 0, "unmatched");
    assert.equal(transport.concurrency().peak, 1);
  }));

  test("and a status for what no rule matches gives it back", withTransport({ concurrency: { max: 1 }, unmatched: 404 }, async (transport) => {
    assert.equal((await transport.fetch("https://api.test/")).status, 404);
    assert.equal((await transport.fetch("https://api.test/")).status, 404);
    assert.equal(inFlight(transport), 0);
  }));

  test("by a connection as long as the client has it", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    transport.websocket("wss://api.test/chat").accept((socket) => (socket.onmessage = (message) => socket.send(message)));
    transport.otherwise().reply(204);
    const socket = new transport.WebSocket("wss://api.test/chat");
    await eventOf(socket, "open");
    const waiting = transport.fetch("https://other.test/");
    await settled();
    assert.deepEqual([inFlight(transport), transport.concurrency().waiting], [1, 1]);
    socket.close();
    assert.equal((await waiting).status, 204);

    const held = transport.get("/held").priority(1).hold();
    const call = transport.fetch("https://api.test/held");
    const late = new transport.WebSocket("wss://api.test/chat");
    const givenUp = new transport.WebSocket("wss://api.test/chat");
    await settled();
    assert.equal(transport.concurrency().waiting, 2);
    givenUp.close();
    await eventOf(givenUp, "close");
    assert.equal(transport.concurrency().waiting, 1);
    (await held.next()).reply(204);
    await Promise.all([call, eventOf(late, "open")]);
    assert.deepEqual([inFlight(transport), transport.concurrency().waiting], [1, 0]);
  }));
});

describe("giving up", () => {
  const state = (transport) => {
    const { inFlight, waiting, keys } = transport.concurrency();
    return [inFlight, waiting, keys.map((key) => [key.inFlight, key.waiting])];
  };

  test("an abort while waiting frees its place, and nothing else", withTransport({ concurrency: { max: 2, perHost: 1 } }, async (transport) => {
    const held = transport.otherwise().hold();
    const controllers = [0, 0, 0, 1, 1].map(() => new AbortController());
    const reason = new Error("enough");
    const calls = [0, 0, 0, 1, 1].map((n, at) => failureOf(transport.fetch(host(n), { signal: controllers[at].signal })));
    await settled();
    assert.deepEqual(state(transport), [2, 3, [[1, 2], [1, 1]]]);
    controllers[1].abort(reason); // the first waiter of the first host
    assert.deepEqual(state(transport), [2, 2, [[1, 1], [1, 1]]]);
    assert.equal(await calls[1], reason);
    controllers[0].abort(reason); // who has the permit of the first host: the last waiter gets it
    assert.deepEqual(state(transport), [2, 1, [[1, 0], [1, 1]]]);
    // Admitted, and aborted before it went on.
    controllers[2].abort(reason);
    assert.deepEqual(state(transport), [1, 1, [[0, 0], [1, 1]]]);
    assert.equal(await calls[2], reason);
    controllers[3].abort(reason);
    controllers[4].abort(reason);
    assert.deepEqual(state(transport), [0, 0, [[0, 0], [0, 0]]]);
    await Promise.all(calls);
    assert.ok(transport.requests().every((request) => request.outcome === "cancelled"));
    assert.equal(held.waiting, 0);
  }));

  test("in the queue, after a while of the transport's time", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    brief(transport);
    const controller = new AbortController();
    const first = transport.fetch(host(0));
    const second = failureOf(transport.fetch(host(0), { signal: controller.signal }));
    await transport.sleep(4);
    controller.abort();
    assert.equal((await second).name, "AbortError");
    await first;
    assert.deepEqual(state(transport), [0, 0, [[0, 0]]]);
    assert.equal(transport.request(2).queued, 0);
  }));

  test("one more than may wait is refused with a typed error", withTransport({ concurrency: { max: 1, maxWaiting: 2 } }, async (transport) => {
    const held = transport.get("/").hold();
    const calls = [1, 2, 3].map(() => transport.fetch(host(0)).then(({ status }) => status));
    const error = await failureOf(transport.fetch(host(0)));
    assert.ok(error instanceof QueueFullError);
    assert.equal(error.code, "MOCKWIRE_QUEUE_FULL");
    assert.deepEqual([transport.lastRequest().outcome, transport.concurrency().waiting], ["failed", 2]);
    for (const _ of calls) (await held.next()).reply(204);
    assert.deepEqual(await Promise.all(calls), [204, 204, 204]);
  }));

  test("disposing ends those who wait", async () => {
    const transport = new MockTransport({ concurrency: { max: 1 } });
    transport.get("/").hold();
    const calls = [1, 2, 3, 4].map(() => failureOf(transport.fetch(host(0))));
    const events = transport.permitEvents();
    await settled();
    transport.dispose();
    for (const error of await Promise.all(calls)) assert.ok(error instanceof DisposedError);
    assert.deepEqual(events.drain().map(({ kind }) => kind), ["released", "abandoned", "abandoned", "abandoned"]);
    assert.throws(() => transport.concurrency(), DisposedError);
  });

  test("what was on its way can be read when the transport is disposed", async () => {
    const transport = new MockTransport({ concurrency: { max: 3 } });
    transport.otherwise().reply("ok");
    const [text, body] = await Promise.all([transport.fetch(host(0)), transport.fetch(host(0))]);
    transport.dispose();
    assert.equal(await text.text(), "ok");
    await body.body.cancel();
  });

  test("resetting ends them too, and the limits hold as before", withTransport({ concurrency: { max: 2, key: (request) => request.method } }, async (transport) => {
    transport.get("/").hold();
    const calls = [1, 2, 3, 4].map(() => failureOf(transport.fetch(host(0))));
    await settled();
    transport.reset();
    for (const error of await Promise.all(calls)) assert.ok(error instanceof DisposedError);
    const { inFlight, waiting, peak, available, keys } = transport.concurrency();
    assert.deepEqual([inFlight, waiting, peak, available, keys], [0, 0, 0, 2, []]);
    slow(transport);
    assert.equal(await burst(transport, Array(6).fill(host(0))), TAKES * 3);
    assert.deepEqual(transport.concurrency().keys.map(({ key }) => key), ["GET"]);
  }));

  test("a client that waits for itself is told by pending()", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    slow(transport);
    await transport.fetch(host(0)); // and its body is not read
    failureOf(transport.fetch(host(0)));
    await settled();
    const [unread, waiting] = transport.pending();
    assert.match(unread.what, /its body was not read to the end/);
    assert.match(waiting.what, /waits for others to be over/);
  }));
});

describe("events of permits", () => {
  test("tell who waits, acquires and releases, in order and at its time", withTransport({ concurrency: { max: 2, perHost: 1 } }, async (transport) => {
    brief(transport);
    const events = transport.permitEvents();
    await Promise.all(["a", "a", "b", "c"].map((name) => transport.fetch(`https://${name}.test/`)));
    const told = events.drain();
    assert.deepEqual(told.map(({ sequence, key, kind, at }) => `${at} ${sequence} ${key} ${kind}`), [
      "0 1 a.test acquired", "0 2 a.test waiting", "0 3 b.test acquired", "0 4 c.test waiting",
      "10 1 a.test released", "10 2 a.test acquired", "10 3 b.test released", "10 4 c.test acquired",
      "20 2 a.test released", "20 4 c.test released",
    ]);
    assert.deepEqual([events.drain(), events.missed], [[], 0]);
    for (const request of transport.requests()) {
      const { at } = told.find(({ kind, sequence }) => kind === "acquired" && sequence === request.sequence);
      assert.equal(at, request.at + request.queued);
    }
  }));

  test("can be awaited, until the transport is disposed", async () => {
    const transport = new MockTransport({ concurrency: { max: 1 } });
    slow(transport);
    const kinds = [];
    const iterating = (async () => {
      for await (const { kind } of transport.permitEvents()) kinds.push(kind);
    })();
    await burst(transport, [host(0), host(0)]);
    await settled();
    assert.deepEqual(kinds, ["acquired", "waiting", "released", "acquired", "released"]);
    transport.dispose();
    await iterating;
  });

  test("end when nobody wants them any more", withTransport({ concurrency: { max: 1 } }, async (transport) => {
    brief(transport);
    const events = transport.permitEvents();
    const first = transport.fetch(host(0));
    for await (const { kind } of events) {
      assert.equal(kind, "acquired");
      break;
    }
    await first;
    assert.deepEqual([events.drain(), await events.next()], [[], { value: undefined, done: true }]);
  }));

  test("never come without limits", withTransport(async (transport) => {
    transport.get("/").reply(204);
    const events = transport.permitEvents();
    await transport.fetch(host(0));
    assert.deepEqual([events.drain(), events.missed, transport.concurrency()], [[], 0, undefined]);
  }));
});

describe("what the test's own functions do wrong", () => {
  test("is an error of fetch", async () => {
    for (const [option, wrong] of [["key", () => { throw new RangeError("no idea"); }], ["key", () => 7], ["priority", () => "urgent"]]) {
      const transport = new MockTransport({ concurrency: { max: 1, [option]: wrong } });
      transport.otherwise().reply("ok");
      const error = await failureOf(transport.fetch(host(0)));
      assert.ok(error instanceof HandlerError);
      assert.match(error.message, new RegExp(`the option \`concurrency.${option}\` threw`));
      assert.ok(error.cause instanceof Error);
      const { inFlight, peak } = transport.concurrency();
      assert.deepEqual([inFlight, peak, transport.lastRequest().outcome], [0, 0, "failed"]);
      transport.dispose();
    }
  });

  test("they may use the transport", withTransport({ concurrency: { perHost: 1, key: (request) => `${request.method} ${request.path}` } }, async (transport) => {
    transport.otherwise().reply((request) => `${transport.count()} ${request.path}`);
    assert.equal(await (await transport.fetch("https://api.test/a")).text(), "1 /a");
  }));
});

test("options that make no sense are refused", () => {
  for (const concurrency of [{ max: 0 }, { perHost: -1 }, { max: 1.5 }, { maxWaiting: -1 }, { ageing: 0 }, { key: "host" }, { limit: 3 }, null, 7]) {
    assert.throws(() => new MockTransport({ concurrency }), InvalidArgumentError, JSON.stringify(concurrency));
  }
  new MockTransport({ concurrency: { max: Infinity, perHost: Infinity, ageing: Infinity } }).dispose();
});
