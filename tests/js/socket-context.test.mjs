/** WebSocket: who connections belong to, what has passed over them, and how fast they may be made. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectionRateError, HandlerError, InvalidRuleError, SocketError } from "mockwire";
import { connected, eventOf, failureOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "wss://api.test/chat";
const byPath = ({ params }) => ({ user: params.user, thread: params.thread, run: "run_1" });
const noTraffic = { messagesSent: 0, messagesReceived: 0, bytesSent: 0, bytesReceived: 0 };

/** What the client's socket fails with. */
async function refusal(transport, url = URL_TEXT) {
  const socket = new transport.WebSocket(url);
  const closed = eventOf(socket, "close");
  const { error } = await eventOf(socket, "error");
  assert.equal((await closed).code, 1006);
  return error;
}

describe("a context", () => {
  test("tells who a connection belongs to", withTransport(async (transport) => {
    const chat = transport.websocket("wss://api.test/:user/:thread").identify(byPath).accept();
    await connected(transport, "wss://api.test/ada/notes");
    await connected(transport, "wss://api.test/bob/notes");
    const [ada, bob] = chat.connections.map((socket) => socket.context);
    assert.deepEqual(ada, {
      id: "conn_1",
      user: "ada",
      thread: "notes",
      run: "run_1",
      key: "ada/notes",
      connectedAt: 0,
      lastActivity: 0,
      active: true,
      state: null,
      traffic: noTraffic,
      ageWarning: undefined,
    });
    assert.deepEqual([bob.id, bob.key], ["conn_2", "bob/notes"]);
  }));

  test("of nobody's connection has an id and counters", withTransport(async (transport) => {
    const chat = transport.websocket(URL_TEXT).accept((socket) => socket.send("héllo"));
    const client = await connected(transport, URL_TEXT);
    client.send(new Uint8Array(3));
    await settled();
    const { id, user, thread, run, key, traffic } = chat.connections[0].context;
    assert.deepEqual({ id, user, thread, run, key }, { id: "conn_1", user: undefined, thread: undefined, run: undefined, key: undefined });
    assert.deepEqual(traffic, { messagesSent: 1, messagesReceived: 1, bytesSent: 6, bytesReceived: 3 });
  }));

  test("is frozen, and a snapshot", withTransport(async (transport) => {
    const chat = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const socket = await chat.next();
    const before = socket.context;
    assert.ok(Object.isFrozen(before) && Object.isFrozen(before.traffic));
    client.send("a");
    socket.setState({ step: [1] });
    assert.deepEqual(before.traffic, noTraffic);
    assert.equal(before.state, null);
    assert.deepEqual(socket.context.state, { step: [1] });
    assert.ok(Object.isFrozen(socket.context.state.step));
    assert.equal(socket.context.traffic.messagesReceived, 1);
  }));

  test("follows the transport's time until the connection is over", withTransport({ timing: "manual" }, async (transport) => {
    const chat = transport.websocket(URL_TEXT).identify(() => ({ user: "ada", thread: "notes", run: "1", warnAfter: 10, state: "new" })).accept();
    await transport.advance(5);
    const client = await connected(transport, URL_TEXT);
    const socket = await chat.next();
    await transport.advance(3);
    socket.send("one");
    const times = () => [socket.context.connectedAt, socket.context.lastActivity];
    assert.deepEqual(times(), [5, 8]);
    await transport.advance(7);
    assert.equal(socket.context.ageWarning, undefined);
    await transport.advance(1);
    assert.deepEqual(socket.context.ageWarning, { age: 11, limit: 10 });
    socket.ping();
    assert.deepEqual(times(), [5, 16]);
    assert.equal(socket.context.traffic.messagesSent, 1);
    client.close();
    await eventOf(client, "close");
    await transport.advance(1);
    const { active, ageWarning, state } = socket.context;
    assert.deepEqual({ active, ageWarning, state, times: times() }, { active: false, ageWarning: undefined, state: "new", times: [5, 16] });
    transport.dispose();
    assert.equal(socket.context.user, "ada");
  }));

  test("of a script's connection begins when that opens", withTransport(async (transport) => {
    const script = { openAfter: 100, steps: [{ send: "hello" }, { delay: 50 }, { send: "again" }, "echo"] };
    const chat = transport.websocket(URL_TEXT).accept(script);
    const client = await connected(transport, URL_TEXT);
    await eventOf(client, "message");
    await eventOf(client, "message");
    const { connectedAt, lastActivity, traffic } = chat.connections[0].context;
    assert.deepEqual([connectedAt, lastActivity], [100, 150]);
    assert.deepEqual([traffic.messagesSent, traffic.bytesSent], [2, 10]);
  }));

  test("is there when a handler has failed, and after dispose and reset", withTransport(async (transport) => {
    for (const end of ["reset", "dispose"]) {
      let socket;
      transport.websocket(URL_TEXT).accept((it) => {
        socket = it;
        throw new Error("of the test");
      });
      new transport.WebSocket(URL_TEXT);
      await settled();
      transport[end]();
      assert.equal(socket.context.id, "conn_1");
      assert.equal(socket.context.active, false);
    }
  }));
});

describe("ids", () => {
  test("are counted per transport, and none is used twice", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept();
    const mine = transport.websocket("/mine").identify(() => ({ id: "mine", user: "a", thread: "b", run: "c" })).accept();
    const first = await connected(transport, URL_TEXT);
    first.close();
    await eventOf(first, "close");
    await connected(transport, "wss://api.test/mine");
    const error = await refusal(transport, "wss://api.test/mine");
    assert.equal(error.code, "MOCKWIRE_INVALID_CONNECTION");
    assert.match(error.message, /another open connection has this id/);
    mine.connections[0].abort();
    await settled();
    await connected(transport, "wss://api.test/mine");
    const chat = transport.websocket("/more").accept();
    await connected(transport, "wss://api.test/more");
    assert.equal(chat.connections[0].context.id, "conn_2");
    transport.reset();
    const again = transport.websocket(URL_TEXT).accept();
    await connected(transport, URL_TEXT);
    assert.equal(again.connections[0].context.id, "conn_1");
  }));
});

describe("a handshake is refused", () => {
  for (const [what, identity, code] of [
    ["a name is missing", { user: "ada", run: "1" }, "MOCKWIRE_MISSING_FIELD"],
    ["a name is empty", { user: "", thread: "notes", run: "1" }, "MOCKWIRE_INVALID_CONNECTION"],
    ["a name is no text", { user: 7, thread: "notes", run: "1" }, "MOCKWIRE_INVALID_CONNECTION"],
    ["a field is unknown", { user: "a", thread: "notes", run: "1", tread: "x" }, "MOCKWIRE_INVALID_CONNECTION"],
    ["a time is none", { user: "a", thread: "notes", run: "1", warnAfter: -1 }, "MOCKWIRE_INVALID_CONNECTION"],
    ["nothing is said", undefined, "MOCKWIRE_INVALID_CONNECTION"],
  ]) {
    test(`when ${what}`, withTransport(async (transport) => {
      const chat = transport.websocket(URL_TEXT).identify(() => identity).accept();
      const error = await refusal(transport);
      assert.ok(error instanceof SocketError);
      assert.equal(error.code, code);
      assert.match(error.message, /socket-context\.test\.mjs/);
      assert.equal(transport.lastRequest().outcome, "failed");
      assert.equal(transport.lastRequest().status, undefined);
      assert.deepEqual(chat.connections, []);
    }));
  }

  test("when the function throws", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).identify(() => { throw new RangeError("who?"); }).accept();
    const error = await refusal(transport);
    assert.ok(error instanceof HandlerError);
    assert.ok(error.cause instanceof RangeError);
  }));
});

describe("a rate", () => {
  test("refuses what comes too fast, until it is time", withTransport({ timing: "manual" }, async (transport) => {
    const chat = transport.websocket(URL_TEXT).connectionRate({ connections: 2, per: 1500 }).accept();
    await connected(transport, URL_TEXT);
    await transport.advance(100);
    await connected(transport, URL_TEXT);
    const error = await refusal(transport);
    assert.ok(error instanceof ConnectionRateError && error instanceof SocketError);
    assert.equal(error.code, "MOCKWIRE_CONNECTION_RATE_EXCEEDED");
    assert.equal(error.retryAfter, 1400);
    const handshake = transport.lastRequest();
    assert.deepEqual([handshake.status, handshake.outcome], [429, "failed"]);
    assert.equal(handshake.responseHeaders.get("retry-after"), "2");
    await transport.advance(1399);
    await refusal(transport);
    await transport.advance(1);
    await connected(transport, URL_TEXT);
    assert.deepEqual(chat.connections.map(({ context }) => context.id), ["conn_1", "conn_2", "conn_3"]);
  }));

  test("is each rule's own, and holds for scripts as well", withTransport(async (transport) => {
    for (const path of ["/a", "/b"]) {
      transport.websocket(path).connectionRate({ connections: 1, per: 10 }).accept({ steps: ["echo"] });
    }
    await connected(transport, "wss://api.test/a");
    await connected(transport, "wss://api.test/b");
    const { retryAfter } = await refusal(transport, "wss://api.test/a");
    await transport.sleep(retryAfter);
    await connected(transport, "wss://api.test/a");
  }));

  for (const rate of [undefined, 5, {}, { connections: 0, per: 1 }, { connections: 1.5, per: 1 }, { connections: 1, per: 0 }, { connections: 1, per: Infinity }, { connections: 1, per: 1e-9 }]) {
    test(`cannot be ${JSON.stringify(rate)}`, withTransport(async (transport) => {
      const error = await failureOf(() => transport.websocket(URL_TEXT).connectionRate(rate));
      assert.ok(error instanceof InvalidRuleError, String(error));
      assert.equal(error.code, "MOCKWIRE_INVALID_OPTION");
    }));
  }

  test("and identify() takes a function", withTransport(async (transport) => {
    assert.throws(() => transport.websocket(URL_TEXT).identify({ user: "ada" }), InvalidRuleError);
  }));
});

test("a plain fetch of a WebSocket's URL is told what it is", withTransport(async (transport) => {
  for (const target of [URL_TEXT, "/chat"]) {
    transport.websocket(target).accept();
    const error = await failureOf(transport.fetch("https://api.test/chat"));
    assert.equal(error.code, "MOCKWIRE_UNMATCHED");
    assert.match(error.message, /open the connection with .* `new transport.WebSocket`/);
    transport.reset();
  }
}));

test("a thousand connections, each with its own context, and no crossed message", withTransport(async (transport) => {
  const N = 1000;
  const ROUNDS = 3;
  const chat = transport.websocket("wss://api.test/:user/:thread").identify(byPath).accept((socket) => {
    const { key } = socket.context;
    socket.onmessage = (message) => {
      assert.ok(message.startsWith(`${key} `), `${message} for ${key}`);
      socket.send(`for ${message}`);
    };
  });
  const keyOf = (n) => `user${Math.floor(n / 10)}/thread${n % 10}`;
  const clients = await Promise.all(Array.from({ length: N }, (_, n) => connected(transport, `wss://api.test/${keyOf(n)}`)));
  assert.deepEqual(chat.connections.map(({ context }) => context.key), clients.map((_, n) => keyOf(n)));
  assert.equal(new Set(chat.connections.map(({ context }) => context.id)).size, N);
  for (let round = 0; round < ROUNDS; round += 1) {
    const answers = clients.map((client) => eventOf(client, "message"));
    clients.forEach((client, n) => client.send(`${keyOf(n)} ${round}`));
    const texts = (await Promise.all(answers)).map(({ data }) => data);
    assert.deepEqual(texts, clients.map((_, n) => `for ${keyOf(n)} ${round}`));
  }
  const sockets = chat.connections;
  for (const client of clients) client.close();
  await Promise.all(clients.map((client) => eventOf(client, "close")));
  sockets.forEach(({ context }, n) => {
    const bytes = ROUNDS * (keyOf(n).length + 2);
    assert.equal(context.key, keyOf(n));
    assert.equal(context.active, false);
    assert.deepEqual(context.traffic, {
      messagesSent: ROUNDS,
      messagesReceived: ROUNDS,
      bytesSent: bytes + 4 * ROUNDS,
      bytesReceived: bytes,
    });
  });
}));
