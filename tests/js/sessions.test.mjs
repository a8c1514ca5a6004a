/** Sessions: who talks to whom, in what order, and what has been answered. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DisposedError, HandlerError, InvalidArgumentError, MockTransport, MockwireError, StaleHandleError } from "mockwire";
import { DuplicateMessageError, SessionLimitError, Sessions } from "mockwire/sessions";
import { deferred, failureOf, random, settled, withTransport } from "./support.mjs";

const reason = { my: "own reason" };
const MINUTE = 60_000;

/** A test with sessions of its own, on manual time. */
function withSessions(options, body) {
  if (typeof options === "function") return withSessions({}, options);
  return withTransport({ timing: "manual" }, (transport) => body(new Sessions(transport, options), transport));
}

const texts = ({ messages }) => messages.map(({ content }) => content);

describe("by their key", () => {
  test("created, got, listed and removed", withSessions(async (sessions, transport) => {
    const ada = sessions.create({ client: "cli", user: "ada", thread: "a" });
    await transport.advance(5);
    const bob = sessions.create({ user: "bob" });
    assert.equal(sessions.get({ client: "cli", user: "ada", thread: "a" }), ada);
    assert.equal(sessions.get({ user: "ada", thread: "a" }), undefined);
    assert.equal(sessions.getOrCreate({ user: "bob" }), bob);
    assert.deepEqual(sessions.list(), [
      { key: { client: "cli", project: "", user: "ada", thread: "a" }, createdAt: 0, lastActive: 5, waiting: 0, running: 0 },
      { key: { client: "", project: "", user: "bob", thread: "" }, createdAt: 5, lastActive: 5, waiting: 0, running: 0 },
    ]);
    const error = await failureOf(() => sessions.create({ user: "bob" }));
    assert.ok(error instanceof InvalidArgumentError);
    assert.equal(error.code, "MOCKWIRE_INVALID_SESSION");
    assert.equal(sessions.remove({ user: "bob" }), true);
    assert.equal(sessions.remove({ user: "bob" }), false);
    assert.equal(sessions.size, 1);
    for (const use of [() => bob.info, () => bob.state.get("a"), () => bob.send("hi")]) {
      assert.ok((await failureOf(use)) instanceof StaleHandleError);
    }
    assert.equal(bob.key.user, "bob");
    assert.notEqual(sessions.create({ user: "bob" }), bob); // another one of the same key is another one
  }));

  test("different names are different keys", withSessions((sessions) => {
    const names = ["", "a", "/", "a/", "%", "%2F", "é", "\0"];
    for (const client of names) for (const project of names) for (const user of names) sessions.create({ client, project, user });
    assert.equal(sessions.size, names.length ** 3);
  }));

  test("as many as there may be, together with the reserved ones", withSessions({ limit: 3 }, (sessions) => {
    sessions.create({ user: "a" });
    const place = sessions.reserve();
    const other = sessions.reserve();
    assert.equal(sessions.available, 0);
    for (const attempt of [() => sessions.create({ user: "b" }), () => sessions.getOrCreate({ user: "b" }), () => sessions.reserve()]) {
      assert.throws(attempt, (error) => error instanceof SessionLimitError && error instanceof MockwireError
        && error.limit === 3 && error.code === "MOCKWIRE_SESSION_LIMIT" && error.name === "SessionLimitError");
    }
    place.create({ user: "b" });
    assert.throws(() => other.create({ user: "b" }), InvalidArgumentError); // and the place is free again
    assert.equal(sessions.available, 1);
    for (const used of [place, other]) assert.throws(() => used.create({ user: "c" }), StaleHandleError);
    const third = sessions.reserve();
    third.release();
    third.release();
    assert.equal(sessions.available, 1);
    assert.equal(new Sessions({ now: () => 0, signal: new AbortController().signal }).available, Infinity);
  }));

  test("those that nobody uses can be removed", withSessions(async (sessions, transport) => {
    for (const user of ["idle", "got", "sent", "busy"]) sessions.create({ user });
    const busy = sessions.get({ user: "busy" }).send("unfinished").catch(() => {});
    await transport.advance(MINUTE);
    sessions.get({ user: "got" });
    const sent = sessions.get({ user: "sent" }).send("hi");
    sessions.serve((turn) => turn.messages[0].content === "unfinished" ? new Promise(() => {}) : "hello");
    await sent;
    assert.deepEqual(sessions.removeInactive(MINUTE).map(({ user }) => user), ["idle"]);
    await transport.advance(MINUTE);
    assert.deepEqual(sessions.removeInactive(MINUTE).map(({ user }) => user), ["got", "sent"]);
    assert.equal(sessions.size, 1);
    sessions.remove({ user: "busy" });
    await busy;
  }));

  test("each has a state of its own", withSessions(async (sessions, transport) => {
    const [ada, bob] = ["ada", "bob"].map((user) => sessions.create({ user }));
    sessions.serve((turn) => `message ${turn.session.state.update("count", (count = 0) => count + 1)}`);
    assert.equal((await ada.send("a")).text, "message 1");
    assert.equal((await ada.send("b")).text, "message 2");
    assert.equal((await bob.send("a")).text, "message 1");
    assert.deepEqual([ada.state.requestCount, bob.state.requestCount], [2, 1]);
    assert.deepEqual(JSON.stringify(ada.state), '{"count":2}');
    ada.state.clear();
    assert.deepEqual([ada.state.requestCount, ada.state.has("count"), bob.state.get("count")], [0, false, 1]);
    assert.equal(transport.state.has("count"), false);
  }));
});

describe("messages are answered", () => {
  test("by a function that returns a text, pushes pieces, or generates them", withTransport(async (transport) => {
    const kinds = [
      () => "one",
      async () => "one",
      (turn) => turn.push("one"),
      async (turn) => { turn.push("o"); await transport.sleep(5); turn.push("n"); return "e"; },
      () => ["o", "n", "e"],
      function* () { yield "o"; yield "ne"; },
      async function* () { yield "o"; await transport.sleep(5); yield "ne"; },
      (turn) => { turn.push("one"); turn.finish(); },
    ];
    for (const handler of kinds) {
      const sessions = new Sessions(transport);
      sessions.serve(handler);
      const answer = await sessions.create({}).send("hi");
      assert.equal(answer.text, "one");
      assert.equal(answer.output.join(""), "one");
      assert.equal(answer.isPartial, false);
    }
  }));

  test("in order within a session, while sessions overlap", withTransport(async (transport) => {
    const sessions = new Sessions(transport);
    const log = [];
    sessions.serve(async (turn) => {
      const name = `${turn.session.key.user}${texts(turn)}`;
      log.push(`${name} begins at ${transport.now()}`);
      await transport.sleep(10);
      return name;
    });
    const [ada, bob] = ["ada", "bob"].map((user) => sessions.create({ user }));
    const answers = await Promise.all([ada.send(1), ada.send(2), bob.send(1), ada.send(3), bob.send(2)]);
    assert.deepEqual(answers.map(({ text }) => text), ["ada1", "ada2", "bob1", "ada3", "bob2"]);
    assert.deepEqual(log, [
      "ada1 begins at 0", "bob1 begins at 0", "ada2 begins at 10", "bob2 begins at 10", "ada3 begins at 20",
    ]);
    assert.equal(transport.now(), 30); // and not 50
  }));

  test("by so many workers, whose message was sent first", withTransport(async (transport) => {
    const sessions = new Sessions(transport);
    const log = [];
    let [running, peak] = [0, 0];
    sessions.serve(async (turn) => {
      peak = Math.max(peak, (running += 1));
      log.push(texts(turn)[0]);
      await transport.sleep(10);
      running -= 1;
    }, { workers: 2 });
    await Promise.all(Array.from({ length: 10 }, (_, index) => sessions.create({ user: String(index) }).send(index)));
    assert.deepEqual(log, [...Array(10).keys()]);
    assert.deepEqual([peak, transport.now()], [2, 50]);
  }));

  test("in batches of those that wait when a turn begins", withSessions({ batch: 3 }, async (sessions) => {
    const session = sessions.create({});
    const sent = [1, 2, 3, 4].map((number) => session.send(number));
    const turn = await sessions.nextTurn();
    assert.deepEqual(texts(turn), [1, 2, 3]);
    assert.deepEqual(turn.session.info, { ...session.info, waiting: 1, running: 3 });
    sent.push(session.send(5));
    turn.push("first");
    turn.finish();
    const next = await sessions.nextTurn();
    assert.deepEqual(texts(next), [4, 5]);
    next.finish();
    assert.deepEqual((await Promise.all(sent)).map(({ text }) => text), ["first", "first", "first", "", ""]);
  }));

  test("by hand, one turn after the other", withSessions(async (sessions) => {
    const session = sessions.create({ user: "ada" });
    const taken = sessions.nextTurn();
    const controller = new AbortController();
    const given = sessions.nextTurn({ signal: controller.signal });
    const late = sessions.nextTurn();
    const sent = session.send({ text: "hi" }, { id: "m1" });
    const turn = await taken;
    assert.deepEqual([turn.session, turn.attempt, turn.isOver], [session, 1, false]);
    assert.deepEqual(turn.messages, [{ id: "m1", content: { text: "hi" } }]);
    controller.abort(reason);
    assert.equal(await failureOf(given), reason);
    turn.push("a");
    turn.push("b");
    assert.deepEqual(turn.output, ["a", "b"]);
    turn.finish();
    assert.deepEqual(await sent, { output: ["a", "b"], text: "ab", isPartial: false });
    for (const use of [() => turn.push("c"), () => turn.finish(), () => turn.fail(1), () => turn.abandon(), () => turn.output]) {
      assert.throws(use, StaleHandleError);
    }
    assert.equal(turn.signal.aborted, false);
    const again = session.send("again");
    const next = await late; // who gave up waiting has got no turn
    assert.deepEqual(texts(next), ["again"]);
    next.finish();
    await again;
  }));

  test("with an error when the function throws, and the next one all the same", withTransport(async (transport) => {
    const sessions = new Sessions(transport);
    const error = new TypeError("of the handler");
    const kinds = [
      () => { throw error; },
      async () => { throw error; },
      async function* () { yield "lost"; throw error; },
      (turn) => turn.fail(error),
    ];
    sessions.serve((turn) => {
      const [content] = texts(turn);
      return typeof content === "number" ? kinds[content](turn) : "answered";
    });
    const session = sessions.create({ user: "ada" });
    const sent = [...kinds.keys()].map((index) => session.send(index));
    const last = session.send("last");
    for (const promise of sent) {
      const failure = await failureOf(promise);
      assert.ok(failure instanceof HandlerError);
      assert.equal(failure.cause, error);
      assert.match(failure.message, /\/\/ada\/ failed: TypeError: of the handler/);
    }
    assert.equal((await last).text, "answered");
    const odd = new Sessions(transport);
    odd.serve(() => 7);
    assert.ok((await failureOf(odd.create({}).send("hi"))).cause instanceof InvalidArgumentError);
  }));

  test("also for who gives up waiting", withSessions(async (sessions) => {
    const session = sessions.create({});
    const controller = new AbortController();
    const sent = session.send("hi", { signal: controller.signal });
    controller.abort(reason);
    assert.equal(await failureOf(sent), reason);
    const turn = await sessions.nextTurn();
    assert.deepEqual(texts(turn), ["hi"]);
    turn.finish();
    assert.equal(await failureOf(session.send("hi", { signal: controller.signal })), reason); // and was not sent
    assert.equal(session.state.requestCount, 1);
  }));
});

describe("the same message again", () => {
  test("is refused for five minutes", withSessions(async (sessions, transport) => {
    sessions.serve(() => "answered");
    const session = sessions.create({ user: "ada" });
    await session.send("hi");
    await transport.advance(5 * MINUTE - 1);
    const error = await failureOf(session.send("hi"));
    assert.ok(error instanceof DuplicateMessageError && error instanceof MockwireError);
    assert.deepEqual([error.code, error.name, error.ago], ["MOCKWIRE_DUPLICATE_MESSAGE", "DuplicateMessageError", 299_999]);
    assert.equal((await sessions.create({ user: "bob" }).send("hi")).text, "answered");
    await transport.advance(1);
    assert.equal((await session.send("hi")).text, "answered");
  }));

  test("is known by its id, or else by all that it says", withSessions({ duplicateWindow: Infinity }, async (sessions) => {
    sessions.serve(() => "answered");
    const session = sessions.create({});
    const isNew = (content, options) => session.send(content, options).then(() => true, (error) => {
      assert.ok(error instanceof DuplicateMessageError);
      return false;
    });
    const sent = [["a", { id: "1" }], ["b", { id: "1" }], ["a", { id: "2" }], ["a"], ["a"], ["1"], [1], [1.0], [null],
      [{ a: 1, b: [{ c: 2, d: 3 }] }], [{ b: [{ d: 3, c: 2 }], a: 1 }], [{ a: 1, b: [{ c: 2, d: 4 }] }], [{ id: "1" }]];
    const news = [];
    for (const [content, options] of sent) news.push(await isNew(content, options));
    assert.deepEqual(news, [true, false, true, true, false, true, true, false, true, true, false, true, true]);
  }));

  test("never, when nothing is remembered", withSessions({ duplicateWindow: 0 }, async (sessions) => {
    sessions.serve(() => "answered");
    const session = sessions.create({});
    await session.send("hi");
    await session.send("hi");
    assert.equal(session.state.requestCount, 2);
  }));
});

describe("bursts", () => {
  test("wait for their turns", withSessions(async (sessions) => {
    const session = sessions.create({});
    const sent = ["a", "b"].map((content) => session.send(content));
    const turn = await sessions.nextTurn();
    sent.push(session.send("c"));
    await settled();
    assert.deepEqual([turn.signal.aborted, session.info.waiting, session.info.running], [false, 2, 1]);
    sessions.serve((next) => texts(next)[0].toUpperCase());
    turn.finish();
    assert.deepEqual((await Promise.all(sent)).map(({ text, isPartial }) => [text, isPartial]), [["", false], ["B", false], ["C", false]]);
  }));

  test("or pre-empt: what was begun is answered with what there is", withSessions({ burst: "preempt" }, async (sessions, transport) => {
    const session = sessions.create({});
    let ended = 0;
    sessions.serve(async function* (turn) {
      try {
        for (const piece of `${texts(turn)[0]}!`) {
          yield piece;
          await transport.sleep(10);
        }
      } finally {
        ended += 1;
      }
    });
    const first = session.send("hello");
    await settled();
    for (const time of [10, 10, 5]) await transport.advance(time);
    const second = session.send("bye");
    assert.deepEqual(await first, { output: ["h", "e", "l"], text: "hel", isPartial: true });
    for (let turn = 0; turn < 5; turn += 1) await transport.advance(10);
    assert.deepEqual(await second, { output: ["b", "y", "e", "!"], text: "bye!", isPartial: false });
    assert.equal(ended, 2); // the first one was told to end
  }));

  test("a turn that is pre-empted is told, and can say no more", withSessions({ burst: "preempt" }, async (sessions) => {
    const session = sessions.create({});
    const sent = [session.send("a"), session.send("b"), session.send("c")]; // the last one alone is taken
    const turn = await sessions.nextTurn();
    assert.deepEqual(texts(turn), ["c"]);
    turn.push("so far");
    sent.push(session.send("d"));
    assert.ok(turn.isOver && turn.signal.aborted && turn.signal.reason instanceof StaleHandleError);
    assert.match(turn.signal.reason.message, /pre-empted/);
    assert.throws(() => turn.push("more"), (error) => error === turn.signal.reason);
    const next = await sessions.nextTurn();
    next.finish();
    assert.deepEqual((await Promise.all(sent)).map(({ text, isPartial }) => [text, isPartial]), [
      ["", true], ["", true], ["so far", true], ["", false],
    ]);
  }));

  test("a function that ignores its signal holds up nobody", withSessions({ burst: "preempt" }, async (sessions) => {
    const session = sessions.create({});
    const { promise, resolve } = deferred();
    sessions.serve((turn) => (texts(turn)[0] === "stubborn" ? promise : "answered"), { workers: 1 });
    const first = session.send("stubborn");
    await settled();
    assert.equal((await session.send("next")).text, "answered");
    assert.equal((await first).isPartial, true);
    resolve("too late");
    await settled();
  }));
});

describe("a kill and a restart lose nothing", () => {
  test("turns are taken again, before what was sent later, with the output so far", withSessions(async (sessions) => {
    const session = sessions.create({});
    const sent = [session.send("a"), session.send("b")];
    const turn = await sessions.nextTurn();
    turn.push("half ");
    sessions.kill();
    assert.ok(turn.isOver && turn.signal.reason instanceof StaleHandleError);
    assert.match(turn.signal.reason.message, /killed/);
    sent.push(session.send("c"));
    const seen = [];
    sessions.serve((again) => {
      seen.push([...texts(again), again.attempt, ...again.output]);
      return "done";
    });
    await settled();
    assert.deepEqual(seen, []);
    sessions.restart();
    const answers = await Promise.all(sent);
    assert.deepEqual(answers.map(({ text }) => text), ["half done", "done", "done"]);
    assert.deepEqual(seen, [["a", 2, "half "], ["b", 1], ["c", 1]]);
  }));

  test("as does whoever abandons a turn", withSessions(async (sessions) => {
    const sent = sessions.create({}).send("a");
    for (const attempt of [1, 2, 3]) {
      const turn = await sessions.nextTurn();
      assert.equal(turn.attempt, attempt);
      turn.push(String(attempt));
      if (attempt < 3) turn.abandon();
      else turn.finish();
      assert.ok(turn.isOver);
    }
    assert.equal((await sent).text, "123");
  }));

  test("in 2,000 random runs every message is answered once, in order", async () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      await play(seed, Sessions).catch((error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error });
      });
    }
  });

  /** Sessions that are wrong in one way each: the runs above would tell. */
  const WRONG = {
    "a kill that removes": class extends Sessions {
      kill() { super.kill(); for (const { key } of this.list()) this.remove(key); }
    },
    "larger batches": class extends Sessions {
      constructor(transport, options) { super(transport, { ...options, batch: Infinity }); }
    },
    "bursts the other way": class extends Sessions {
      constructor(transport, options) { super(transport, { ...options, burst: options.burst === "queue" ? "preempt" : "queue" }); }
    },
    "one session for all": class extends Sessions {
      getOrCreate() { return super.getOrCreate({}); }
    },
    "no duplicates at all": class extends Sessions {
      constructor(transport, options) { super(transport, { ...options, duplicateWindow: 0 }); }
    },
  };
  for (const [what, Kind] of Object.entries(WRONG)) {
    test(`sessions that are wrong are found out: ${what}`, async () => {
      const wrong = async () => {
        for (let seed = 1; seed <= 100; seed += 1) await play(seed, Kind);
      };
      const error = await failureOf(wrong);
      assert.ok(error instanceof assert.AssertionError || error instanceof MockwireError, String(error));
    });
  }
});

/** Plays a random script with sessions, and asserts everything that they promise. */
async function play(seed, Kind) {
  const next = random(seed);
  const below = (limit) => Math.floor(next() * limit);
  const transport = new MockTransport();
  const options = { batch: 1 + below(3), burst: below(3) === 0 ? "preempt" : "queue" };
  const sessions = new Kind(transport, options);
  const users = ["a", "b", "c"];
  const sent = [];
  const served = Object.fromEntries(users.map((user) => [user, []]));
  const going = new Set();
  const isSeen = new Set();
  sessions.serve(async (turn) => {
    const user = texts(turn)[0].split(" ")[0];
    assert.ok(!going.has(user), "a session has one turn at a time");
    assert.ok(turn.messages.length <= options.batch, "a batch is no larger than it may be");
    going.add(user);
    turn.signal.addEventListener("abort", () => going.delete(user));
    for (const text of texts(turn)) {
      assert.ok(text.startsWith(`${user} `), "messages go to their own session");
      served[user].push(text);
      turn.push(`[${text}]`);
      await transport.sleep(below(3));
    }
    going.delete(user);
  }, { workers: 1 + below(3) });
  const send = () => {
    const user = users[below(3)];
    const id = `${user}#${below(30)}`;
    const message = { user, id, text: `${user} ${sent.length}`, settled: 0 };
    sent.push(message);
    message.isDuplicate = isSeen.has(id);
    isSeen.add(id);
    sessions.getOrCreate({ user }).send(message.text, { id }).then(
      (answer) => ((message.settled += 1), (message.answer = answer)),
      (error) => ((message.settled += 1), (message.error = error)),
    );
  };
  for (let step = 10 + below(20); step > 0; step -= 1) {
    const kind = below(10);
    if (kind < 6) send();
    else if (kind < 9) await transport.sleep(below(4));
    else {
      sessions.kill();
      await transport.sleep(below(3));
      sessions.restart();
    }
  }
  for (let turn = 0; turn < 300 && sent.some((message) => message.settled === 0); turn += 1) await transport.sleep(1);
  for (const user of users) {
    const own = sent.filter((message) => message.user === user);
    const accepted = own.filter((message) => !message.isDuplicate).map(({ text }) => text);
    // The first time that each was taken.
    const begun = [...new Set(served[user])];
    assert.deepEqual(begun, accepted.filter((text) => begun.includes(text)), "in the order in which they were sent");
    for (const { text, settled: times, isDuplicate, answer, error } of own) {
      assert.equal(times, 1, "each message is answered");
      assert.equal(error instanceof DuplicateMessageError, isDuplicate, `what was sent before, and nothing else, is refused: ${error}`);
      if (isDuplicate) continue;
      if (options.burst === "queue") assert.ok(begun.includes(text) && !answer.isPartial, "all of them, to the end");
      if (!answer.isPartial) assert.ok(answer.text.includes(`[${text}]`), "with the output of its own turn");
    }
  }
  transport.dispose();
}

describe("the end", () => {
  test("of a session is told to who waits for its answers, and to its turn", withSessions(async (sessions) => {
    const session = sessions.create({});
    const sent = [session.send("a"), session.send("b")];
    const turn = await sessions.nextTurn();
    sessions.remove({});
    for (const promise of sent) assert.ok((await failureOf(promise)) instanceof StaleHandleError);
    assert.match(turn.signal.reason.message, /removed/);
    assert.throws(() => turn.finish(), StaleHandleError);
  }));

  test("of the transport is told to everybody", async () => {
    const transport = new MockTransport();
    const sessions = new Sessions(transport);
    const session = sessions.create({});
    const sent = [session.send("a"), session.send("b")];
    const turn = await sessions.nextTurn();
    const late = sessions.nextTurn();
    transport.dispose();
    for (const promise of [...sent, late, session.send("c"), sessions.nextTurn()]) {
      assert.ok((await failureOf(promise)) instanceof DisposedError);
    }
    assert.ok(turn.signal.reason instanceof DisposedError);
    for (const use of [() => turn.push("x"), () => turn.finish(), () => session.info, () => session.state.has("a"), () => sessions.create({ user: "a" }),
      () => sessions.get({}), () => sessions.remove({}), () => sessions.kill(), () => sessions.serve(() => {}), () => new Sessions(transport)]) {
      assert.throws(use, DisposedError);
    }
    await settled();
  });

  test("of serving: no more turns are taken, what goes on goes on", withSessions(async (sessions, transport) => {
    const controller = new AbortController();
    sessions.serve(() => transport.sleep(5), { signal: controller.signal, workers: 1 });
    sessions.serve(() => assert.fail("aborted before"), { signal: AbortSignal.abort() });
    const session = sessions.create({});
    const [first, second] = [session.send("a"), session.send("b")];
    await settled();
    controller.abort();
    await transport.advance(5);
    await first;
    await settled();
    assert.deepEqual([session.info.waiting, session.info.running], [1, 0]);
    sessions.serve(() => "another");
    assert.equal((await second).text, "another");
  }));

  test("of a transport by a handler", async () => {
    const transport = new MockTransport();
    const sessions = new Sessions(transport);
    sessions.serve(() => transport.dispose());
    const sent = ["a", "b"].map((user) => sessions.create({ user }).send("hi"));
    for (const promise of sent) assert.ok((await failureOf(promise)) instanceof DisposedError);
    await settled();
  });
});

test("mistakes are told", withTransport(async (transport) => {
  for (const args of [[], [{}], [transport, { limit: -1 }], [transport, { batch: 0 }], [transport, { burst: "drop" }],
    [transport, { duplicateWindow: -1 }], [transport, { workers: 1 }], [transport, null]]) {
    assert.throws(() => new Sessions(...args), InvalidArgumentError);
  }
  const sessions = new Sessions(transport);
  const cycle = {};
  cycle.cycle = cycle;
  const session = sessions.create({});
  for (const attempt of [() => sessions.create(), () => sessions.create({ name: "x" }), () => sessions.get({ user: 1 }),
    () => sessions.serve(), () => sessions.serve(() => {}, { workers: 0 }), () => sessions.removeInactive("1"),
    () => sessions.nextTurn({ timeout: 1 }), () => session.send(undefined), () => session.send(cycle), () => session.send("x", { id: 1 })]) {
    assert.ok((await failureOf(attempt)) instanceof InvalidArgumentError, String(attempt));
  }
  assert.deepEqual([sessions.size, session.info.waiting], [1, 0]);
}));
