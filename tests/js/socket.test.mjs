/** WebSocket: how a test plays the server, and what it reads afterwards. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, mock, test } from "node:test";
import { HandlerError, InvalidArgumentError, MockTransport, SocketError, StaleHandleError, UnmatchedRequestError, VerificationError, WaitTimeoutError } from "mockwire";
import { connected, eventOf, failureOf, historyOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "wss://api.test/chat";
const echo = (socket) => (socket.onmessage = (message) => socket.send(message));

describe("a handler plays the server", () => {
  test("it sends, and answers", withTransport(async (transport) => {
    transport.websocket("wss://api.test/rooms/:room").accept((socket, request) => {
      socket.send(`welcome to ${request.params.room}`);
      echo(socket);
    });
    const socket = new transport.WebSocket("wss://api.test/rooms/blue");
    const history = historyOf(socket);
    await eventOf(socket, "message");
    socket.send("hi");
    await eventOf(socket, "message");
    socket.close(1000, "done");
    await eventOf(socket, "close");
    assert.deepEqual(history, ["open", "message welcome to blue", "message hi", "close 1000 done clean"]);
    transport.verify();
  }));

  test("it iterates over messages until the client has gone", withTransport(async (transport) => {
    const seen = [];
    const ended = new Promise((resolve) => {
      transport.websocket(URL_TEXT).accept(async (socket) => {
        for await (const message of socket) seen.push(message);
        resolve(await socket.closed);
      });
    });
    const socket = await connected(transport, URL_TEXT);
    socket.send("a");
    socket.send(new Uint8Array([1, 2, 3]).subarray(1));
    socket.close(3000, "bye");
    assert.deepEqual(await ended, { code: 3000, reason: "bye", wasClean: true });
    assert.deepEqual(seen, ["a", new Uint8Array([2, 3])]);
  }));

  test("messages wait until somebody takes them", withTransport(async (transport) => {
    const seen = [];
    transport.websocket(URL_TEXT).accept(async (socket) => {
      await settled();
      socket.onmessage = (message) => seen.push(message);
    });
    const socket = await connected(transport, URL_TEXT);
    socket.send("early");
    await settled();
    await settled();
    assert.deepEqual(seen, ["early"]);
  }));

  for (const [how, handler] of [
    ["throws", () => { throw new RangeError("of the test"); }],
    ["rejects", async () => { await settled(); throw new RangeError("of the test"); }],
    ["throws at a message", (socket) => { socket.send("go"); socket.onmessage = () => { throw new RangeError("of the test"); }; }],
    ["rejects at a message", (socket) => { socket.send("go"); socket.onmessage = async () => { throw new RangeError("of the test"); }; }],
  ]) {
    test(`one that ${how} is surfaced: an error, 1011, and the journal`, withTransport(async (transport) => {
      transport.websocket(URL_TEXT).accept(handler);
      const socket = new transport.WebSocket(URL_TEXT);
      socket.onmessage = () => socket.send("x");
      const error = eventOf(socket, "error");
      const close = eventOf(socket, "close");
      assert.ok((await error).error instanceof HandlerError);
      assert.ok((await error).error.cause instanceof RangeError);
      const { code, wasClean } = await close;
      assert.deepEqual([code, wasClean], [1011, true]);
      const { outcome, error: text } = transport.lastRequest();
      assert.equal(outcome, "failed");
      assert.match(text, /^HandlerError: the handler of GET wss:\/\/api\.test\/chat .*RangeError: of the test$/);
    }));
  }

  test("that it goes on sending to a client that has gone, is no failure", withTransport(async (transport) => {
    let thrown;
    transport.websocket(URL_TEXT).accept(async (socket) => {
      await socket.closed;
      try {
        socket.send("x");
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    const socket = await connected(transport, URL_TEXT);
    const history = historyOf(socket);
    socket.close();
    await eventOf(socket, "close");
    await settled();
    assert.equal(thrown.code, "MOCKWIRE_SOCKET_CLOSED");
    assert.deepEqual(history, ["close 1005 clean"]);
    assert.equal(transport.lastRequest().outcome, "done");
  }));
});

test("a handler that fails when its client has gone is in the journal, and nothing comes after close", withTransport(async (transport) => {
  transport.websocket(URL_TEXT).accept(async (socket) => {
    await socket.closed;
    await settled();
    throw new RangeError("too late");
  });
  const socket = await connected(transport, URL_TEXT);
  const history = historyOf(socket);
  socket.close();
  await eventOf(socket, "close");
  for (let n = 0; n < 3; n += 1) await settled();
  assert.deepEqual(history, ["close 1005 clean"]);
  const { outcome, error } = transport.lastRequest();
  assert.equal(outcome, "failed");
  assert.match(error, /RangeError: too late/);
}));

describe("the test plays the server by hand", () => {
  test("it takes connections and messages one by one", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = new transport.WebSocket(URL_TEXT);
    const history = historyOf(client);
    const socket = await endpoint.next();
    assert.equal(socket.request.url, URL_TEXT);
    assert.equal(socket.isOpen, true);
    socket.send("hello");
    await eventOf(client, "message");
    client.send("thanks");
    assert.equal(await socket.receive(), "thanks");
    socket.close(4000, "enough");
    await eventOf(client, "close");
    assert.deepEqual(history, ["open", "message hello", "close 4000 enough clean"]);
    assert.equal(socket.isOpen, false);
    const { message } = await failureOf(socket.receive());
    assert.match(message, /closed \(4000\)/);
  }));

  test("bytes arrive as the client wants them", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const socket = await endpoint.next();
    const bytes = new Uint8Array([1, 2, 3]);
    socket.send(bytes);
    bytes.fill(0);
    const { data: blob } = await eventOf(client, "message");
    assert.ok(blob instanceof Blob);
    assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), new Uint8Array([1, 2, 3]));
    client.binaryType = "arraybuffer";
    socket.send(new Uint16Array([1]).buffer);
    const { data } = await eventOf(client, "message");
    assert.ok(data instanceof ArrayBuffer);
    assert.deepEqual(new Uint8Array(data), new Uint8Array([1, 0]));
  }));

  test("it aborts: an error, and 1006", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const history = historyOf(client);
    const socket = await endpoint.next();
    socket.send("last words");
    socket.abort();
    const error = await eventOf(client, "error");
    assert.ok(error.error instanceof SocketError);
    assert.equal(error.error.code, "MOCKWIRE_SOCKET_ABORTED");
    await eventOf(client, "close");
    assert.deepEqual(history, ["message last words", "error", "close 1006 unclean"]);
    assert.deepEqual(await socket.closed, { code: 1006, reason: "", wasClean: false });
    assert.equal(transport.lastRequest().outcome, "failed");
  }));

  test("a ping is answered by the client's end, unseen", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const history = historyOf(client);
    const socket = await endpoint.next();
    socket.ping("are you there");
    const pong = await endpoint.waitForMessage((message) => message.type === "pong");
    assert.deepEqual([pong.from, pong.text()], ["client", "are you there"]);
    assert.deepEqual(history, []);
    assert.throws(() => socket.ping(new Uint8Array(126)), InvalidArgumentError);
  }));

  test("it closes without a code: the client sees 1005", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    (await endpoint.next()).close();
    const { code, reason, wasClean } = await eventOf(client, "close");
    assert.deepEqual([code, reason, wasClean], [1005, "", true]);
  }));

  test("which codes a server may send", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]) {
      const client = await connected(transport, URL_TEXT);
      (await endpoint.next()).close(code);
      assert.equal((await eventOf(client, "close")).code, code);
    }
    await connected(transport, URL_TEXT);
    const socket = await endpoint.next();
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1000.5, "1000", null, NaN]) {
      assert.throws(() => socket.close(code), { name: "InvalidArgumentError", code: "MOCKWIRE_INVALID_MESSAGE" }, String(code));
    }
    assert.throws(() => socket.close(1006), /abort\(\)/);
    assert.throws(() => socket.close(1000, "é".repeat(62)), /123 bytes/);
    assert.throws(() => socket.close(undefined, "a reason needs a code"), InvalidArgumentError);
    assert.equal(socket.isOpen, true);
  }));

  test("after it has closed it sends no more; to close again does nothing", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const history = historyOf(client);
    const socket = await endpoint.next();
    socket.close(1000);
    socket.close(1001);
    assert.throws(() => socket.send("x"), SocketError);
    assert.throws(() => socket.ping(), SocketError);
    await eventOf(client, "close");
    socket.close(1001);
    socket.abort();
    await settled();
    assert.deepEqual(history, ["close 1000 clean"]);
  }));

  test("what cannot be sent", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    await connected(transport, URL_TEXT);
    const socket = await endpoint.next();
    for (const value of [undefined, null, 7, {}, []]) assert.throws(() => socket.send(value), InvalidArgumentError);
    assert.throws(() => endpoint.broadcast({}), InvalidArgumentError);
  }));

  test("what the client has sent before it closed is there still", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const socket = await endpoint.next();
    client.send("one");
    client.send("two");
    client.close();
    await eventOf(client, "close");
    assert.equal(await socket.receive(), "one");
    assert.equal(await socket.receive(), "two");
    assert.equal((await failureOf(socket.receive())).code, "MOCKWIRE_SOCKET_CLOSED");
  }));

  test("next() gives open connections only, and rejects when nothing will come", withTransport(async (transport) => {
    const endpoint = transport.websocket("wss://api.test/:n").accept();
    const first = await connected(transport, "wss://api.test/1");
    first.close();
    await eventOf(first, "close");
    await connected(transport, "wss://api.test/2");
    assert.equal((await endpoint.next()).request.path, "/2");
    const waiting = failureOf(endpoint.next());
    endpoint.rule.remove();
    assert.ok((await waiting) instanceof StaleHandleError);
    assert.ok((await failureOf(endpoint.next())) instanceof StaleHandleError);
  }));
});

describe("the handshake", () => {
  test("has the credentials of the URL, also where they only look escaped", withTransport(async (transport) => {
    for (const [written, meant] of [["a%20b:c", "a b:c"], ["100%:%zz", "100%:%zz"]]) {
      const { rule } = transport.websocket("wss://api.test/chat").basicAuth(...meant.split(":")).accept();
      (await connected(transport, `wss://${written}@api.test/chat`)).close();
      rule.remove();
    }
  }));

  test("is a request like any other: matched by headers and query, and captured", withTransport(async (transport) => {
    transport.websocket("wss://api.test/chat").bearer("token").query("v", "2").once().accept();
    const socket = await connected(transport, `${URL_TEXT}?v=2`, { protocols: "a", headers: { authorization: "Bearer token" } });
    const request = transport.lastRequest();
    assert.deepEqual([request.method, request.url, request.status, request.outcome], ["GET", `${URL_TEXT}?v=2`, 101, "pending"]);
    assert.equal(request.headers.get("upgrade"), "websocket");
    assert.equal(request.headers.get("sec-websocket-protocol"), "a");
    assert.equal(request.responseHeaders.get("sec-websocket-protocol"), "a");
    assert.doesNotMatch(JSON.stringify(request), /Bearer/);
    socket.close();
    await eventOf(socket, "close");
    assert.equal(request.outcome, "done");
    assert.equal(String(request), `#1 GET ${URL_TEXT}?v=2 -> 101 (done, 0 bytes)`);
    transport.verify();
  }));

  test("is counted by the rule, which may be used up", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).once().accept();
    transport.websocket(URL_TEXT).refuse(503);
    await connected(transport, URL_TEXT);
    assert.equal(endpoint.rule.calls, 1);
    const second = new transport.WebSocket(URL_TEXT);
    assert.match((await eventOf(second, "error")).message, /refused with 503 by GET wss/);
  }));

  test("an http target means ws, a path means both, and neither means fetch", withTransport(async (transport) => {
    transport.websocket("https://api.test/a").accept();
    transport.websocket("/b/:id").accept();
    transport.websocket(/\/c$/).accept();
    for (const url of ["wss://api.test/a", "https://api.test/a", "ws://x.test/b/1", "wss://y.test/b/2", "ws://z.test/c"]) {
      await connected(transport, url);
    }
    for (const url of ["https://api.test/a", "http://x.test/b/1", "https://z.test/c"]) {
      assert.ok((await failureOf(transport.fetch(url))) instanceof UnmatchedRequestError);
    }
    const insecure = new transport.WebSocket("ws://api.test/a");
    assert.ok((await eventOf(insecure, "error")).error instanceof UnmatchedRequestError);
  }));

  test("a fetch of the endpoint itself is told to upgrade", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept();
    const response = await transport.fetch(URL_TEXT);
    assert.deepEqual([response.status, response.headers.get("upgrade")], [426, "websocket"]);
  }));

  test("that no rule matches is diagnosed, and verify() fails", withTransport(async (transport) => {
    transport.websocket("wss://api.test/chatt").accept();
    const socket = new transport.WebSocket(URL_TEXT);
    const history = historyOf(socket);
    const { error, message } = await eventOf(socket, "error");
    assert.ok(error instanceof UnmatchedRequestError);
    assert.equal(error.diagnosis.nearest.length, 1);
    assert.match(message, /no rule matched GET wss:\/\/api\.test\/chat/);
    await eventOf(socket, "close");
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
    assert.equal(transport.lastRequest().outcome, "unmatched");
    assert.throws(() => transport.verify(), VerificationError);
  }));

  test("that no rule matches, with a status instead", withTransport({ unmatched: 501 }, async (transport) => {
    const socket = new transport.WebSocket(URL_TEXT);
    const { error, message } = await eventOf(socket, "error");
    assert.ok(error instanceof SocketError);
    assert.match(message, /refused with 501: no rule matched GET wss:\/\/api\.test\/chat/);
    assert.throws(() => transport.verify(), VerificationError);
  }));

  for (const [how, end, expected, outcome] of [
    ["refuse(401)", (rule) => rule.refuse(401, "no"), /refused with 401/, "done"],
    ["reply(403)", (rule) => rule.reply(403), /refused with 403/, "done"],
    ["reply(a handler)", (rule) => rule.reply(async () => ({ a: 1 })), /refused with 200/, "done"],
    ["stream()", (rule) => rule.stream(["a", "b"]), /refused with 200/, "done"],
    ["redirect(), which is not followed", (rule) => rule.redirect("/elsewhere"), /refused with 302/, "done"],
    ["fail()", (rule) => rule.fail(), /fetch failed/, "failed"],
    ["fail(an error)", (rule) => rule.fail(new RangeError("mine")), /mine/, "failed"],
    ["reply(a handler that throws)", (rule) => rule.reply(() => { throw new RangeError("mine"); }), /RangeError: mine/, "failed"],
    ["matching(a function that throws)", (rule) => rule.matching(() => { throw new RangeError("mine"); }).accept(), /RangeError: mine/, "failed"],
  ]) {
    test(`refused by ${how}`, withTransport(async (transport) => {
      end(transport.websocket(URL_TEXT));
      const socket = new transport.WebSocket(URL_TEXT);
      const history = historyOf(socket);
      const { message } = await eventOf(socket, "error");
      assert.equal(socket.readyState, 3);
      await eventOf(socket, "close");
      assert.match(message, expected);
      assert.deepEqual(history, ["error", "close 1006 unclean"]);
      assert.equal(transport.lastRequest().outcome, outcome);
    }));
  }

  test("fail() has the code that clients look at", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).fail("ENOTFOUND");
    const { error } = await eventOf(new transport.WebSocket(URL_TEXT), "error");
    assert.equal(error.cause.code, "ENOTFOUND");
  }));

  test("held: the socket connects until the test replies, or the client gives up", withTransport(async (transport) => {
    const held = transport.websocket(URL_TEXT).hold();
    const [one, other] = [new transport.WebSocket(URL_TEXT), new transport.WebSocket(URL_TEXT)];
    const histories = [historyOf(one), historyOf(other)];
    await settled();
    assert.deepEqual([one.readyState, other.readyState], [0, 0]);
    (await held.next()).reply(503);
    await eventOf(one, "close");
    other.close();
    await eventOf(other, "close");
    assert.deepEqual(histories, [["error", "close 1006 unclean"], ["error", "close 1006 unclean"]]);
    assert.deepEqual(transport.requests().map(({ outcome }) => outcome), ["done", "cancelled"]);
  }));

  test("a client that closes before it is open: the server sees 1006", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const socket = new transport.WebSocket(URL_TEXT);
    const history = historyOf(socket);
    const peer = await endpoint.next();
    socket.close();
    assert.equal((await peer.closed).code, 1006);
    await eventOf(socket, "close");
    await settled();
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
    assert.equal(transport.lastRequest().outcome, "cancelled");
  }));
});

describe("subprotocols", () => {
  test("the first that the client offers, unless the server chooses", withTransport(async (transport) => {
    transport.websocket("/first").accept();
    transport.websocket("/named").protocol("v2").accept();
    transport.websocket("/chosen").protocol((offered) => offered.at(-1)).accept(echo);
    const protocols = ["v1", "v2", "v3"];
    assert.equal((await connected(transport, "wss://x.test/first", protocols)).protocol, "v1");
    assert.equal((await connected(transport, "wss://x.test/named", protocols)).protocol, "v2");
    assert.equal((await connected(transport, "wss://x.test/chosen", protocols)).protocol, "v3");
    assert.equal((await connected(transport, "wss://x.test/first")).protocol, "");
  }));

  test("a choice that was not offered fails the connection, in words", withTransport(async (transport) => {
    const endpoint = transport.websocket("/other").protocol("v2").accept();
    transport.websocket("/none").protocol(() => undefined).accept();
    const wrong = new transport.WebSocket("wss://x.test/other", ["v1"]);
    assert.match((await eventOf(wrong, "error")).message, /chosen the subprotocol v2, but the client offers only v1/);
    const none = new transport.WebSocket("wss://x.test/none", ["v1"]);
    assert.match((await eventOf(none, "error")).message, /none of the subprotocols v1/);
    assert.equal(endpoint.connections.length, 0);
  }));

  test("a choice that throws is a failure of the handler", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).protocol(() => { throw new RangeError("mine"); }).accept();
    const { error } = await eventOf(new transport.WebSocket(URL_TEXT, ["v1"]), "error");
    assert.ok(error instanceof HandlerError);
    assert.match(transport.lastRequest().error, /^HandlerError: .*RangeError: mine$/);
  }));
});

describe("several clients of one endpoint", () => {
  test("are told apart, and reached together", withTransport(async (transport) => {
    const endpoint = transport.websocket("wss://api.test/chat/:name").accept((socket, { params }) => {
      socket.onmessage = (message) => endpoint.broadcast(`${params.name}: ${message}`);
    });
    const ada = await connected(transport, "wss://api.test/chat/ada");
    const bob = await connected(transport, "wss://api.test/chat/bob");
    const histories = [historyOf(ada), historyOf(bob)];
    ada.send("hi");
    await eventOf(bob, "message");
    bob.close();
    await eventOf(bob, "close");
    assert.equal(endpoint.broadcast("only ada"), 1);
    await eventOf(ada, "message");
    assert.deepEqual(histories, [["message ada: hi", "message only ada"], ["message ada: hi", "close 1005 clean"]]);
    assert.deepEqual(endpoint.connections.map(({ request }) => request.params.name), ["ada"]);
  }));

  test("one reconnects", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    for (const n of [1, 2, 3]) {
      const client = await connected(transport, URL_TEXT);
      (await endpoint.next()).abort();
      await eventOf(client, "close");
      assert.equal(endpoint.rule.calls, n);
    }
    assert.equal(endpoint.connections.length, 0);
    assert.deepEqual(transport.requests().map(({ sequence }) => sequence), [1, 2, 3]);
  }));
});

describe("what was said is captured", () => {
  test("the frames of both sides, in order, for each connection and for the endpoint", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept(echo);
    const client = await connected(transport, URL_TEXT);
    transport.advance(5);
    client.send(JSON.stringify({ a: 1 }));
    await eventOf(client, "message");
    client.send(new Uint8Array([255]));
    await eventOf(client, "message");
    client.close(3000, "bye");
    await eventOf(client, "close");
    const other = await connected(transport, URL_TEXT);
    other.send("second");
    await eventOf(other, "message");
    assert.deepEqual(transport.request(1).messages.map(String), [
      '#1 client text "{\\"a\\":1}"',
      '#1 server text "{\\"a\\":1}"',
      "#1 client binary 1 bytes",
      "#1 server binary 1 bytes",
      "#1 client close 3000 bye",
      "#1 server close 3000 bye",
    ]);
    assert.deepEqual(endpoint.messages.slice(6).map(String), ['#2 client text "second"', '#2 server text "second"']);
    const [first] = endpoint.messages;
    assert.deepEqual([first.from, first.type, first.at, first.connection, first.json()], ["client", "text", 5, 1, { a: 1 }]);
    assert.deepEqual(endpoint.messages[2].bytes(), new Uint8Array([255]));
    assert.deepEqual([endpoint.messages[4].code, endpoint.messages[4].reason], [3000, "bye"]);
    assert.equal(transport.request(1).delivered, 8);
  }));

  test("a message is kept as it was when it was sent", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept((socket) => (socket.onmessage = (message) => message.fill(9)));
    const client = await connected(transport, URL_TEXT);
    const bytes = new Uint8Array([1, 2]);
    client.send(bytes);
    bytes.fill(7);
    await settled();
    endpoint.messages[0].bytes().fill(8);
    assert.deepEqual(endpoint.messages[0].bytes(), new Uint8Array([1, 2]));
  }));

  test("as much as the journal keeps", withTransport({ journal: { requests: 3, bodyBytes: 4 } }, async (transport) => {
    const seen = [];
    const endpoint = transport.websocket(URL_TEXT).accept((socket) => (socket.onmessage = (message) => seen.push(message)));
    const client = await connected(transport, URL_TEXT);
    for (let n = 0; n < 20; n += 1) client.send(`message ${n}`);
    await settled();
    assert.equal(seen.at(-1), "message 19");
    assert.deepEqual(endpoint.messages.map((message) => [message.text(), message.truncated]), Array(3).fill(["mess", true]));
    assert.equal(transport.lastRequest().messages.length, 3);
  }));

  test("clear() forgets it, and what comes after is kept again", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    client.send("before");
    transport.clear();
    assert.deepEqual([endpoint.messages, transport.count()], [[], 0]);
    client.send("after");
    assert.deepEqual(endpoint.messages.map(String), ['#1 client text "after"']);
  }));
});

describe("waiting for a message", () => {
  test("one that is there, and one that comes", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept((socket) => socket.send("from the server"));
    const client = await connected(transport, URL_TEXT);
    client.send("first");
    assert.equal((await endpoint.waitForMessage()).text(), "first");
    const waiting = [
      endpoint.waitForMessage("second"),
      endpoint.waitForMessage(/^sec/),
      endpoint.waitForMessage((message) => message.from === "client" && message.text() === "second"),
      endpoint.waitForMessage(new Uint8Array([1])),
    ];
    client.send("second");
    client.send(new Uint8Array([1]));
    assert.deepEqual((await Promise.all(waiting)).map(String), [...Array(3).fill('#1 client text "second"'), "#1 client binary 1 bytes"]);
    assert.equal((await endpoint.waitForMessage(({ from }) => from === "server")).text(), "from the server");
  }));

  test("the deadline is one of the transport's time: nobody waits for it", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const error = await failureOf(endpoint.waitForMessage("never", { timeout: 60_000 }));
    assert.ok(error instanceof WaitTimeoutError);
    assert.match(error.message, /waited until 60000 ms for the message "never"/);
    assert.equal(transport.now(), 60_000);
  }));

  test("what is on its way comes before the deadline", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept((socket) => {
      socket.onmessage = (message) => (message === "9" ? undefined : socket.send(message));
    });
    const client = await connected(transport, URL_TEXT);
    client.onmessage = ({ data }) => client.send(String(Number(data) + 1));
    client.send("0");
    await endpoint.waitForMessage("9", { timeout: 1 });
    assert.equal(transport.now(), 0);
  }));

  test("with manual timing it is reached by advance()", withTransport({ timing: "manual" }, async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    let over = false;
    const waiting = failureOf(endpoint.waitForMessage("never", { timeout: 100 })).then((error) => ((over = true), error));
    transport.advance(99);
    await settled();
    assert.equal(over, false);
    transport.advance(1);
    assert.ok((await waiting) instanceof WaitTimeoutError);
  }));

  test("a filter that throws, a wrong timeout, the end of the transport", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept();
    const client = await connected(transport, URL_TEXT);
    const thrown = failureOf(endpoint.waitForMessage(() => { throw new RangeError("mine"); }));
    const ended = failureOf(endpoint.waitForMessage("never"));
    client.send("x");
    assert.ok((await thrown).cause instanceof RangeError);
    assert.throws(() => endpoint.waitForMessage("x", { timeout: -1 }), InvalidArgumentError);
    assert.throws(() => endpoint.waitForMessage(7), InvalidArgumentError);
    transport.dispose();
    assert.equal((await ended).code, "MOCKWIRE_DISPOSED");
  }));
});

describe("events are tasks of their own", () => {
  test("whoever awaits one may listen for the next", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept((socket) => {
      socket.send("one");
      socket.send("two");
      socket.abort();
    });
    const socket = new transport.WebSocket(URL_TEXT);
    await eventOf(socket, "open");
    assert.equal((await eventOf(socket, "message")).data, "one");
    for (let n = 0; n < 20; n += 1) await null;
    assert.equal((await eventOf(socket, "message")).data, "two");
    await eventOf(socket, "error");
    for (let n = 0; n < 20; n += 1) await null;
    assert.equal((await eventOf(socket, "close")).code, 1006);
  }));

  test("timers may be replaced: none is used", withTransport(async (transport) => {
    mock.timers.enable();
    try {
      transport.websocket(URL_TEXT).accept(echo);
      const socket = await connected(transport, URL_TEXT);
      socket.send("hi");
      assert.equal((await eventOf(socket, "message")).data, "hi");
      socket.close();
      await eventOf(socket, "close");
    } finally {
      mock.timers.reset();
    }
  }));

  for (const [where, before] of [
    ["in Node", ""],
    ["where ports keep a process alive until they are closed", `
      const Platform = MessageChannel;
      globalThis.MessageChannel = class { constructor() { const { port1, port2 } = new Platform(); return { port1: Object.assign(port1, { unref: undefined }), port2 }; } };`],
    ["where there are no message channels", "globalThis.MessageChannel = undefined;"],
  ]) {
    test(`a process ends by itself, with a socket left open, ${where}`, () => {
      const code = `${before}
        const { MockTransport } = await import("mockwire");
        const transport = new MockTransport();
        transport.websocket("wss://api.test/").accept((socket) => (socket.onmessage = (message) => socket.send(message)));
        const socket = new transport.WebSocket("wss://api.test/");
        socket.onopen = () => socket.send("0");
        socket.onmessage = ({ data }) => (data === "9" ? console.log(data) : socket.send(String(Number(data) + 1)));`;
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const flags = ["--no-warnings", "--input-type=module", "--eval", code];
      assert.equal(execFileSync(process.execPath, flags, { cwd: new URL(".", import.meta.url), env, encoding: "utf8" }), "9\n");
    });
  }
});

describe("the end of the transport", () => {
  test("dispose() closes both ends with 1006", async () => {
    const transport = new MockTransport();
    const endpoint = transport.websocket(URL_TEXT).accept();
    const open = await connected(transport, URL_TEXT);
    const socket = await endpoint.next();
    const connecting = new transport.WebSocket(URL_TEXT);
    const histories = [historyOf(open), historyOf(connecting)];
    transport.dispose();
    assert.equal((await socket.closed).code, 1006);
    await eventOf(connecting, "close");
    assert.deepEqual(histories, [["error", "close 1006 unclean"], ["open", "error", "close 1006 unclean"]]);
    assert.equal(endpoint.connections.length, 0);
    open.send("x");
    open.close();
    assert.throws(() => socket.send("x"), SocketError);
  });

  test("a socket that is made afterwards fails; it does not throw into a client that reconnects", async () => {
    const transport = new MockTransport();
    const { WebSocket } = transport;
    transport.dispose();
    const socket = new WebSocket(URL_TEXT);
    assert.equal((await eventOf(socket, "error")).error.code, "MOCKWIRE_DISPOSED");
    assert.equal((await eventOf(socket, "close")).code, 1006);
  });

  test("reset() closes connections as well; removing a rule does not", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept(echo);
    const socket = await connected(transport, URL_TEXT);
    endpoint.rule.remove();
    socket.send("still there");
    assert.equal((await eventOf(socket, "message")).data, "still there");
    transport.reset();
    assert.equal((await eventOf(socket, "close")).code, 1006);
  }));

  test("a scope takes its endpoints back", withTransport(async (transport) => {
    const scope = transport.scope();
    scope.websocket(URL_TEXT).once().accept();
    await connected(transport, URL_TEXT);
    scope.dispose();
    const socket = new transport.WebSocket(URL_TEXT);
    assert.ok((await eventOf(socket, "error")).error instanceof UnmatchedRequestError);
  }));
});

test("install() puts WebSocket in the place of the global one, and takes it back", withTransport(async (transport) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "WebSocket");
  transport.install();
  assert.equal(globalThis.WebSocket, transport.WebSocket);
  transport.websocket(URL_TEXT).accept((socket) => socket.send("hello"));
  assert.equal((await eventOf(new WebSocket(URL_TEXT), "message")).data, "hello");
  transport.uninstall();
  assert.deepEqual(Object.getOwnPropertyDescriptor(globalThis, "WebSocket"), before);
}));

test("relative URLs are resolved against baseUrl", withTransport({ baseUrl: "https://api.test/v1/" }, async (transport) => {
  transport.websocket("wss://api.test/v1/chat").accept();
  assert.equal((await connected(transport, "chat")).url, "wss://api.test/v1/chat");
  assert.equal((await connected(transport, new URL("wss://api.test/v1/chat"))).url, "wss://api.test/v1/chat");
}));
