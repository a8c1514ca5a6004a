/** A queue of requests: who is next, how many at once, and how each of them ends. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DisposedError, InvalidArgumentError, MockTransport, MockwireError } from "mockwire";
import { QueueFullError, QueueStoppedError, RequestQueue } from "mockwire/queue";
import { deferred, failureOf, random, settled, withTransport } from "./support.mjs";

const reason = { my: "own reason" };

/** Work that notes when it begins, and takes so long. */
function noting(transport, log) {
  return (name, duration = 1) => async () => {
    log.push(`${name}@${transport.now()}`);
    await transport.sleep(duration);
    return name;
  };
}

describe("who is next", () => {
  test("the most urgent, and in order of arrival among equals", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const log = [];
    const work = noting(transport, log);
    const priorities = ["low", "normal", "critical", undefined, "high", "critical", "low", "high"];
    const names = priorities.map((priority, index) => queue.add(work(`${priority ?? "usual"}${index}`), { priority }));
    assert.equal(log.length, 0); // they are sorted before the first one begins
    assert.deepEqual(await Promise.all(names), priorities.map((priority, index) => `${priority ?? "usual"}${index}`));
    assert.deepEqual(log.map((entry) => entry.split("@")[0]), [
      "critical2", "critical5", "high4", "high7", "normal1", "usual3", "low0", "low6",
    ]);
  }));

  test("as many at once as there are workers", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 3 });
    const log = [];
    const work = noting(transport, log);
    const added = Array.from({ length: 7 }, (_, index) => queue.add(work(String(index), 10)));
    await settled();
    assert.deepEqual(log, ["0@0", "1@0", "2@0"]);
    assert.deepEqual({ ...queue.status }, { waiting: 4, running: 3, peak: 3, done: 0, cancelled: 0, stopped: undefined });
    await Promise.all(added);
    assert.deepEqual(log.slice(3), ["3@10", "4@10", "5@10", "6@20"]);
    assert.equal(transport.now(), 30); // 7 items of 10 ms by 3 workers, not less and not more
    assert.equal(queue.status.peak, 3);
  }));

  test("who adds another one when an item ends is in time for the next turn", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const log = [];
    const work = noting(transport, log);
    const first = queue.add(work("first"));
    const later = queue.add(work("later"));
    await first;
    await queue.add(work("urgent"), { priority: "critical" });
    await later;
    assert.deepEqual(log, ["first@0", "urgent@1", "later@2"]);
  }));

  for (const [ageing, position] of [[undefined, "never"], [10, "soon"]]) {
    test(`what is low comes ${position} when others keep coming, with ageing ${ageing}`, withTransport(async (transport) => {
      const queue = new RequestQueue(transport, { workers: 1, ...(ageing && { ageing }) });
      let begun = 0;
      let low = Infinity;
      void queue.add(() => (low = begun), { priority: "low" });
      const urgent = async () => {
        begun += 1;
        if (begun < 200) void queue.add(urgent, { priority: "high" });
        await transport.sleep(1);
      };
      await queue.add(urgent, { priority: "high" });
      await queue.idle();
      // It has risen by two after 20 ms, and is the older one.
      if (ageing === undefined) assert.equal(low, 200);
      else assert.ok(low >= 19 && low <= 21, `after ${low}`);
    }));
  }

  test("in manual time nothing moves by itself", withTransport({ timing: "manual" }, async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1, ageing: 10 });
    const log = [];
    const work = noting(transport, log);
    void queue.add(work("low", 5), { priority: "low" });
    await settled();
    void queue.add(work("older", 5), { priority: "low" });
    await transport.advance(4);
    void queue.add(work("younger", 5), { priority: "normal" });
    await transport.advance(1);
    await transport.advance(5);
    assert.deepEqual(log, ["low@0", "younger@5", "older@10"]);
    await transport.advance(5);
    assert.equal(queue.status.done, 3);
  }));

  test("in real time", withTransport({ timing: "real" }, async (transport) => {
    const queue = new RequestQueue(transport, { workers: 2 });
    const done = [];
    await Promise.all([15, 1, 1].map((ms, index) => queue.add(() => transport.sleep(ms).then(() => done.push(index)))));
    assert.deepEqual(done, [1, 2, 0]);
  }));
});

describe("how an item ends", () => {
  test("with what its work gives or throws", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const error = new Error("of the work");
    assert.equal(await queue.add(() => 1), 1);
    assert.equal(await queue.add(async () => 2), 2);
    assert.equal(await failureOf(queue.add(() => { throw error; })), error);
    assert.equal(await failureOf(queue.add(() => Promise.reject(error))), error);
    assert.deepEqual([queue.status.done, queue.status.cancelled, queue.status.running], [4, 0, 0]);
  }));

  test("refused when as many wait as may", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1, maxWaiting: 2 });
    const [first, second] = [queue.add(() => 1), queue.add(() => 2)];
    const error = await failureOf(queue.add(() => assert.fail("refused")));
    assert.ok(error instanceof QueueFullError && error instanceof MockwireError);
    assert.deepEqual([error.code, error.name, error.waiting], ["MOCKWIRE_QUEUE_FULL", "QueueFullError", 2]);
    assert.match(String(error), /2 wait already/);
    assert.deepEqual(await Promise.all([first, second]), [1, 2]);
    assert.equal(await queue.add(() => 3), 3);
    const none = new RequestQueue(transport, { workers: 1, maxWaiting: 0 });
    assert.ok((await failureOf(none.add(() => 1))) instanceof QueueFullError);
  }));

  test("cancelled while it waits, it is never worked on", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1, maxWaiting: 1 });
    const controller = new AbortController();
    const { promise, resolve } = deferred();
    const first = queue.add(() => promise);
    await settled();
    const second = queue.add(() => assert.fail("cancelled"), { signal: controller.signal });
    controller.abort(reason);
    assert.equal(await failureOf(second), reason);
    const third = queue.add(() => 3); // there is room again
    resolve(1);
    assert.deepEqual([await first, await third], [1, 3]);
    assert.equal(await failureOf(queue.add(() => assert.fail("aborted"), { signal: controller.signal })), reason);
    assert.deepEqual([queue.status.done, queue.status.cancelled], [2, 1]);
  }));

  test("cancelled while it is worked on, the work is told, and decides", withTransport(async (transport) => {
    transport.get("/held").hold();
    const queue = new RequestQueue(transport, { workers: 2 });
    const controller = new AbortController();
    const { signal } = controller;
    const request = queue.add((its) => transport.fetch("https://api.test/held", { signal: its }), { signal });
    const stubborn = queue.add(async (its) => (await transport.sleep(5), its.reason), { signal });
    await transport.waitForRequests(1);
    controller.abort(reason);
    assert.equal(await failureOf(request), reason);
    assert.equal(await stubborn, reason);
    assert.deepEqual([queue.status.done, queue.status.cancelled, queue.status.running], [1, 1, 0]);
    assert.equal(transport.lastRequest().outcome, "cancelled");
  }));

  test("a signal is listened to no longer than needed", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = function (...args) { listeners += 1; return addEventListener.apply(this, args); };
    signal.removeEventListener = function (...args) { listeners -= 1; return removeEventListener.apply(this, args); };
    await Promise.all([queue.add(() => 1, { signal }), queue.add(() => 2, { signal })]);
    assert.equal(listeners, 0);
  }));
});

describe("to stop", () => {
  test("by draining: what waits is worked on first", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const log = [];
    const work = noting(transport, log);
    const added = [queue.add(work("a")), queue.add(work("b")), queue.add(work("c"))];
    const stopped = queue.stop("drain");
    const error = await failureOf(queue.add(work("late")));
    assert.ok(error instanceof QueueStoppedError && error instanceof MockwireError);
    assert.equal(error.code, "MOCKWIRE_QUEUE_STOPPED");
    await stopped;
    assert.deepEqual(log, ["a@0", "b@1", "c@2"]);
    assert.deepEqual(await Promise.all(added), ["a", "b", "c"]);
    assert.equal(queue.status.stopped, "drain");
  }));

  test("by cancelling: what is worked on goes on, what waits never begins", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const log = [];
    const work = noting(transport, log);
    const first = queue.add(work("a"));
    const second = queue.add(work("b"));
    await settled();
    const stopped = queue.stop("cancel");
    assert.ok((await failureOf(second)) instanceof QueueStoppedError);
    assert.equal(await first, "a");
    await stopped;
    assert.deepEqual(log, ["a@0"]);
    assert.deepEqual({ ...queue.status }, { waiting: 0, running: 0, peak: 1, done: 1, cancelled: 1, stopped: "cancel" });
  }));

  test("twice: to drain, and then to cancel what is left; never the other way round", withTransport(async (transport) => {
    const queue = new RequestQueue(transport, { workers: 1 });
    const work = noting(transport, []);
    const added = Promise.allSettled([queue.add(work("a")), queue.add(work("b"))]);
    await settled();
    void queue.stop("drain");
    assert.equal(queue.status.stopped, "drain");
    await queue.stop("cancel");
    assert.deepEqual((await added).map(({ status }) => status), ["fulfilled", "rejected"]);
    await queue.stop("drain");
    assert.equal(queue.status.stopped, "cancel");
  }));

  test("with the transport: everything ends at once, and the work is told", async () => {
    const transport = new MockTransport();
    const queue = new RequestQueue(transport, { workers: 1 });
    let told;
    const running = queue.add((signal) => new Promise(() => signal.addEventListener("abort", () => (told = signal.reason))));
    const waiting = queue.add(() => assert.fail("never begins"));
    const idle = queue.idle();
    await settled();
    transport.dispose();
    for (const promise of [running, waiting, idle, queue.add(() => 1), queue.idle(), queue.stop("drain")]) {
      assert.ok((await failureOf(promise)) instanceof DisposedError);
    }
    assert.ok(told instanceof DisposedError);
    assert.equal(queue.status.cancelled, 1);
    await settled();
  });

  test("by work that disposes the transport", async () => {
    const transport = new MockTransport();
    const queue = new RequestQueue(transport, { workers: 3 });
    const added = [queue.add(() => transport.dispose()), queue.add(() => assert.fail("never begins"))];
    for (const promise of added) assert.ok((await failureOf(promise)) instanceof DisposedError);
    await settled();
  });
});

test("mistakes are told", withTransport(async (transport) => {
  const options = { workers: 1 };
  for (const args of [[], [transport], [{}, options], [transport, {}], [transport, { workers: 0 }], [transport, { workers: 1.5 }],
    [transport, { ...options, ageing: 0 }], [transport, { ...options, maxWaiting: -1 }], [transport, { ...options, size: 1 }]]) {
    assert.throws(() => new RequestQueue(...args), InvalidArgumentError);
  }
  const queue = new RequestQueue(transport, options);
  for (const promise of [queue.add(1), queue.add(() => 1, { priority: "urgent" }), queue.add(() => 1, { signal: 1 }), queue.stop("now")]) {
    assert.ok((await failureOf(promise)) instanceof InvalidArgumentError);
  }
  assert.equal(queue.status.stopped, undefined);
}));

/** What a random run has done with one item. */
class Item {
  begun = 0;
  settled = 0;
  outcome = undefined;
  constructor(number, priority) {
    this.number = number;
    this.priority = priority;
  }
  comesBefore(other) {
    return this.priority === other.priority ? this.number < other.number : this.priority > other.priority;
  }
}

const PRIORITIES = ["low", "normal", "high", "critical"];

/** Plays a random script with a queue, and asserts everything that a queue promises. */
async function play(seed, Queue) {
  const next = random(seed);
  const below = (limit) => Math.floor(next() * limit);
  const transport = new MockTransport();
  const workers = 1 + below(4);
  const maxWaiting = 1 + below(8);
  const queue = new Queue(transport, { workers, maxWaiting });
  const items = [];
  const waiting = new Set();
  let running = 0;
  let stopped = false;
  const stops = [];
  const add = () => {
    const item = new Item(items.length, below(4));
    items.push(item);
    const controller = new AbortController();
    item.abort = () => controller.abort(item);
    const [duration, fails, isFull] = [below(4), below(5) === 0, waiting.size >= maxWaiting];
    item.expected = stopped ? "stopped" : isFull ? "full" : undefined;
    if (item.expected === undefined) waiting.add(item);
    const work = async (signal) => {
      item.begun += 1;
      running += 1;
      assert.ok(waiting.delete(item), "an item begins once, and only while it waits");
      assert.ok(running <= workers, "no more at once than there are workers");
      for (const other of waiting) assert.ok(item.comesBefore(other), "the most urgent first, in order");
      try {
        if (duration > 0) await transport.sleep(duration, below(2) ? { signal } : {});
        if (fails) throw item;
        return item;
      } finally {
        running -= 1;
      }
    };
    const end = (outcome) => {
      item.settled += 1;
      item.outcome = outcome;
      // What ends while it waits was cancelled.
      waiting.delete(item);
    };
    const options = { priority: PRIORITIES[item.priority], signal: controller.signal };
    queue.add(work, options).then(
      (value) => end(value === item ? "value" : "another's value"),
      (error) => end(error === item ? "own" : error instanceof QueueFullError ? "full" : error instanceof QueueStoppedError ? "stopped" : error),
    );
  };
  for (let step = 5 + below(20); step > 0; step -= 1) {
    const kind = below(12);
    if (kind < 6) add();
    else if (kind < 8 && items.length > 0) {
      const item = items[below(items.length)];
      if (item.expected === undefined && item.begun === 0 && item.settled === 0 && waiting.delete(item)) item.expected = "own";
      item.abort();
    } else if (kind < 11) await transport.sleep(below(3));
    else if (below(3) === 0) {
      const how = below(2) ? "drain" : "cancel";
      stopped = true;
      if (how === "cancel") {
        for (const item of waiting) item.expected = "stopped";
        waiting.clear();
      }
      stops.push(queue.stop(how));
    }
  }
  const accepted = items.filter(({ expected }) => expected !== "full" && expected !== "stopped");
  stops.push(queue.stop("drain"));
  let isOver = false;
  void Promise.all(stops).then(() => (isOver = true));
  for (let turn = 0; turn < 200 && !isOver; turn += 1) await transport.sleep(1);
  assert.ok(isOver, "a queue that is stopped comes to its end");
  await settled();
  for (const item of items) {
    assert.equal(item.settled, 1, "each item ends");
    assert.notEqual(item.outcome, "another's value");
    if (item.expected !== undefined) assert.deepEqual([item.begun, item.outcome], [0, item.expected]);
    else assert.ok(item.begun === 1 && ["value", "own"].includes(item.outcome), `${item.begun} ${item.outcome}`);
  }
  const { done, cancelled, waiting: left, running: on, peak } = queue.status;
  assert.deepEqual([left, on], [0, 0]);
  assert.ok(peak <= workers);
  assert.ok(done + cancelled >= accepted.length && done <= items.length);
  transport.dispose();
}

describe("each item ends exactly once, whatever happens", () => {
  test("in 2,000 random runs", async () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      await play(seed, RequestQueue).catch((error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
      });
    }
  });

  /** Queues that are wrong in one way each: the runs above would tell. */
  const WRONG = {
    "more at once than there are workers": class extends RequestQueue {
      constructor(transport, options) { super(transport, { ...options, workers: options.workers + 1 }); }
    },
    "another bound": class extends RequestQueue {
      constructor(transport, options) { super(transport, { ...options, maxWaiting: options.maxWaiting + 1 }); }
    },
    "one priority for all": class extends RequestQueue {
      add(work, options) { return super.add(work, { ...options, priority: "normal" }); }
    },
    "deaf to signals": class extends RequestQueue {
      add(work, { priority }) { return super.add(work, { priority }); }
    },
    "cancelling what was to be drained": class extends RequestQueue {
      stop() { return super.stop("cancel"); }
    },
    "never ending an item that is cancelled": class extends RequestQueue {
      add(work, options) { return super.add(work, options).catch((error) => (options.signal.aborted ? new Promise(() => {}) : Promise.reject(error))); }
    },
    "working twice": class extends RequestQueue {
      add(work, options) { return super.add((signal) => (void work(signal).catch(() => {}), work(signal)), options); }
    },
  };
  for (const [what, Queue] of Object.entries(WRONG)) {
    test(`a queue that is wrong is found out: ${what}`, async () => {
      const wrong = async () => {
        for (let seed = 1; seed <= 200; seed += 1) await play(seed, Queue);
      };
      assert.ok((await failureOf(wrong)) instanceof assert.AssertionError);
    });
  }
});
