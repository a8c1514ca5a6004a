/** WebSocket: servers that play a script, in the transport's time. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { InvalidRuleError, MockTransport, VerificationError } from "mockwire";
import { connected, eventOf, historyOf, settled, withTransport } from "./support.mjs";

const URL_TEXT = "wss://api.test/chat";

describe("plays the same as natively: tests/behaviour/socket_scripts.rs", () => {
  const scenes = JSON.parse(readFileSync(new URL("../fixtures/socket-scripts.json", import.meta.url), "utf8"));
  const shown = (message) => {
    const { at, from, type, code, reason } = message;
    if (type === "close") return [at, from, type, ...(code === undefined ? [] : [code, reason])].join(" ");
    return [at, from, type, type === "text" ? message.text() : Buffer.from(message.bytes()).toString("hex")].join(" ");
  };
  // A client that says several things at once may be answered in between, or not.
  const bySide = (lines) => ["client", "server"].map((side) => lines.filter((line) => line.split(" ")[1] === side));
  for (const { name, script, says = [], answers = {}, closes, transcript, unmet = false } of scenes) {
    test(name, withTransport(async (transport) => {
      transport.websocket(URL_TEXT).accept(script);
      const client = new transport.WebSocket(URL_TEXT);
      client.onmessage = ({ data }) => data in answers && client.send(answers[data]);
      client.onopen = () => {
        for (const text of says) client.send(text);
        if (closes !== undefined) client.close(closes.code, closes.reason);
      };
      await eventOf(client, "close");
      assert.deepEqual(bySide(transport.lastRequest().messages.map(shown)), bySide(transcript));
      if (unmet) assert.throws(() => transport.verify(), VerificationError);
      else transport.verify();
    }));
  }
});

test("it expects, sends and closes", withTransport(async (transport) => {
  const endpoint = transport.websocket(URL_TEXT).accept({
    steps: [{ expect: "hi" }, { send: "hello" }, { send: { json: { a: 1 } } }, { close: { code: 4000, reason: "bye" } }],
  });
  const client = await connected(transport, URL_TEXT);
  const history = historyOf(client);
  await settled();
  assert.deepEqual(history, []);
  client.send("hi");
  await eventOf(client, "close");
  assert.deepEqual(history, ["message hello", 'message {"a":1}', "close 4000 bye clean"]);
  assert.deepEqual(endpoint.messages.map(String), [
    '#1 client text "hi"',
    '#1 server text "hello"',
    '#1 server text "{\\"a\\":1}"',
    "#1 server close 4000 bye",
    "#1 client close 4000 bye",
  ]);
  assert.equal(transport.lastRequest().outcome, "done");
  transport.verify();
}));

test("without steps it takes what comes, and agrees to close", withTransport(async (transport) => {
  const endpoint = transport.websocket(URL_TEXT).accept({});
  const client = await connected(transport, URL_TEXT);
  const history = historyOf(client);
  client.send("one");
  client.send("two");
  client.close(3000, "done");
  await eventOf(client, "close");
  assert.deepEqual(history, ["close 3000 done clean"]);
  assert.deepEqual(endpoint.messages.map(({ from, type }) => `${from} ${type}`), ["client text", "client text", "client close", "server close"]);
  transport.verify();
}));

test("bytes, both ways", withTransport(async (transport) => {
  transport.websocket(URL_TEXT).accept({ steps: [{ expect: new Uint8Array([0, 255]) }, { send: Buffer.from([1, 2]) }, { send: { base64: "AwQ=" } }] });
  const client = await connected(transport, URL_TEXT);
  client.binaryType = "arraybuffer";
  client.send(new Uint8Array([0, 255]));
  assert.deepEqual(new Uint8Array((await eventOf(client, "message")).data), new Uint8Array([1, 2]));
  assert.deepEqual(new Uint8Array((await eventOf(client, "message")).data), new Uint8Array([3, 4]));
}));

test("it echoes: all, or so many", withTransport(async (transport) => {
  transport.websocket("/all").accept({ steps: ["echo"] });
  transport.websocket("/two").accept({ steps: [{ echo: 2 }, { send: "enough" }] });
  const all = await connected(transport, "wss://x.test/all");
  const two = await connected(transport, "wss://x.test/two");
  const histories = [historyOf(all), historyOf(two)];
  for (const text of ["a", "b", "c"]) {
    all.send(text);
    two.send(text);
  }
  await settled();
  await settled();
  assert.deepEqual(histories, [["message a", "message b", "message c"], ["message a", "message b", "message enough"]]);
}));

test("a ping is answered for the client", withTransport(async (transport) => {
  const endpoint = transport.websocket(URL_TEXT).accept({ steps: [{ ping: "are you there" }, { pong: "so am I" }, { send: "good" }] });
  const client = await connected(transport, URL_TEXT);
  await eventOf(client, "message");
  assert.deepEqual(endpoint.messages.map(String), [
    "#1 server ping 13 bytes",
    "#1 client pong 13 bytes",
    "#1 server pong 7 bytes",
    '#1 server text "good"',
  ]);
}));

describe("what is expected and does not come", () => {
  for (const [how, sent, actual] of [
    ["another text", "bye", /got text "bye"/],
    ["bytes", new Uint8Array(2), /got 2 bytes/],
  ]) {
    test(`${how}: it closes with 1008, and verify() fails`, withTransport(async (transport) => {
      transport.websocket(URL_TEXT).accept({ steps: [{ expect: "hi" }] });
      const client = await connected(transport, URL_TEXT);
      client.send(sent);
      const { code, reason } = await eventOf(client, "close");
      assert.equal(code, 1008);
      assert.match(reason, /^expected text "hi"/);
      assert.match(reason, actual);
      assert.throws(
        () => transport.verify(),
        (error) => error instanceof VerificationError && /connection #1[^]*socket-script\.test\.mjs[^]*expected text "hi"/.test(error.message),
      );
    }));
  }

  test("nothing: verify() fails while it is waited for, and afterwards", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ steps: [{ expect: { jsonPartial: { type: "join" } } }] });
    transport.verify();
    const client = await connected(transport, URL_TEXT);
    assert.throws(() => transport.verify(), /expected JSON with at least \{"type":"join"\}/);
    client.close();
    await eventOf(client, "close");
    assert.throws(() => transport.verify(), /expected JSON with at least \{"type":"join"\}/);
  }));

  test("nothing more is expected of a client that has said it", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ steps: [{ expect: { contains: "join" } }, { expect: "any" }] });
    const client = await connected(transport, URL_TEXT);
    client.send('{"type":"join","room":7}');
    client.send("whatever");
    client.close();
    await eventOf(client, "close");
    transport.verify();
  }));
});

describe("time", () => {
  const script = { openAfter: 50, steps: [{ send: "a" }, { delay: 100 }, { send: "b" }, { delay: 1000 }, { close: { code: 1000 } }] };

  test("instant: nobody waits, and it passes as scripted", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept(script);
    const client = new transport.WebSocket(URL_TEXT);
    const history = historyOf(client);
    await eventOf(client, "close");
    assert.deepEqual(history, ["open", "message a", "message b", "close 1000 clean"]);
    assert.deepEqual(endpoint.messages.map(({ at }) => at), [50, 150, 1150, 1150]);
    assert.equal(transport.now(), 1150);
  }));

  test("manual: as far as the test lets it", withTransport({ timing: "manual" }, async (transport) => {
    transport.websocket(URL_TEXT).accept(script);
    const client = new transport.WebSocket(URL_TEXT);
    const history = historyOf(client);
    const states = [];
    for (const milliseconds of [49, 1, 99, 1, 999, 1]) {
      transport.advance(milliseconds);
      for (let n = 0; n < 4; n += 1) await settled();
      states.push(history.join(", "));
    }
    assert.deepEqual(states, [
      "",
      "open, message a",
      "open, message a",
      "open, message a, message b",
      "open, message a, message b",
      "open, message a, message b, close 1000 clean",
    ]);
  }));

  test("a client that answers meanwhile is not overtaken by time", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ steps: [{ send: "1" }, { expect: "2" }, { delay: 10 }, { send: "3" }, { expect: "4" }, { close: null }] });
    const client = new transport.WebSocket(URL_TEXT);
    client.onmessage = ({ data }) => client.send(String(Number(data) + 1));
    assert.equal((await eventOf(client, "close")).code, 1005);
    assert.equal(transport.now(), 10);
    transport.verify();
  }));

  test("never open: the socket stays connecting until it gives up", withTransport(async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept({ neverOpen: true });
    const client = new transport.WebSocket(URL_TEXT);
    const history = historyOf(client);
    transport.advance(1_000_000);
    await settled();
    assert.deepEqual([client.readyState, endpoint.connections.length, transport.lastRequest().status], [0, 0, undefined]);
    client.close();
    await eventOf(client, "close");
    await settled();
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
    assert.equal(transport.lastRequest().outcome, "cancelled");
  }));

  test("a client that does not wait for it to open", withTransport({ timing: "manual" }, async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept({ openAfter: 100 });
    const client = new transport.WebSocket(URL_TEXT);
    transport.advance(50);
    client.close();
    await eventOf(client, "close");
    transport.advance(100);
    await settled();
    assert.deepEqual([client.readyState, endpoint.connections.length], [3, 0]);
  }));

  test("a delay ends with the connection", withTransport({ timing: "manual" }, async (transport) => {
    const endpoint = transport.websocket(URL_TEXT).accept({ steps: [{ delay: 100 }, { send: "late" }] });
    const client = await connected(transport, URL_TEXT);
    client.close();
    await eventOf(client, "close");
    transport.advance(200);
    await settled();
    assert.deepEqual(endpoint.messages.map(({ type }) => type), ["close", "close"]);
  }));
});

describe("failures", () => {
  test("abort", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ steps: [{ send: "last words" }, "abort"] });
    const client = new transport.WebSocket(URL_TEXT);
    const history = historyOf(client);
    assert.equal((await eventOf(client, "error")).error.code, "MOCKWIRE_SOCKET_ABORTED");
    await eventOf(client, "close");
    assert.deepEqual(history, ["open", "message last words", "error", "close 1006 unclean"]);
    assert.equal(transport.lastRequest().outcome, "failed");
  }));

  test("a fault has the code that clients look at", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ steps: [{ fault: "connectionReset" }] });
    const client = new transport.WebSocket(URL_TEXT);
    assert.equal((await eventOf(client, "error")).error.cause.code, "ECONNRESET");
    assert.equal((await eventOf(client, "close")).code, 1006);
  }));

  test("after so many messages, wherever that is", withTransport(async (transport) => {
    transport.websocket(URL_TEXT).accept({ faultAfter: { messages: 2, fault: "timeout" }, steps: ["echo"] });
    const client = await connected(transport, URL_TEXT);
    const history = historyOf(client);
    for (const text of ["a", "b", "c"]) client.send(text);
    assert.equal((await eventOf(client, "error")).error.cause.code, "ETIMEDOUT");
    await eventOf(client, "close");
    assert.deepEqual(history, ["message a", "message b", "error", "close 1006 unclean"]);
  }));
});

test("a script's subprotocol, or the rule's", withTransport(async (transport) => {
  transport.websocket("/script").protocol("v1").accept({ protocol: "v2" });
  transport.websocket("/rule").protocol("v1").accept({ steps: [{ send: "x" }] });
  assert.equal((await connected(transport, "wss://x.test/script", ["v1", "v2"])).protocol, "v2");
  assert.equal((await connected(transport, "wss://x.test/rule", ["v2", "v1"])).protocol, "v1");
}));

test("the test may join in: broadcast, and closing by hand", withTransport(async (transport) => {
  const endpoint = transport.websocket(URL_TEXT).accept({ steps: ["echo"] });
  const clients = [await connected(transport, URL_TEXT), await connected(transport, URL_TEXT)];
  const histories = clients.map(historyOf);
  assert.equal(endpoint.broadcast("news"), 2);
  (await endpoint.next()).close(4001);
  await eventOf(clients[0], "close");
  clients[1].send("still here");
  await eventOf(clients[1], "message");
  assert.deepEqual(histories, [["message news", "close 4001 clean"], ["message news", "message still here"]]);
}));

test("many connections play it, each for itself", withTransport(async (transport) => {
  transport.websocket("wss://api.test/:n").accept({ steps: [{ expect: "hi" }, { delay: 5 }, { send: "hello" }, { close: { code: 1000 } }] });
  const clients = Array.from({ length: 50 }, (_, n) => new transport.WebSocket(`wss://api.test/${n}`));
  for (const client of clients) client.onopen = () => client.send("hi");
  const histories = clients.map(historyOf);
  await Promise.all(clients.map((client) => eventOf(client, "close")));
  for (const history of histories) assert.deepEqual(history, ["open", "message hello", "close 1000 clean"]);
  transport.verify();
}));

test("what is no script is refused when the rule is made", withTransport((transport) => {
  for (const [script, message] of [
    [{ steps: [{ wait: 5 }] }, /unknown variant `wait`/],
    [{ stepz: [] }, /unknown field `stepz`/],
    [{ steps: [{ close: { code: 1006 } }] }, /a close code is/],
    [{ protocol: "a b" }, /letters, digits/],
    [{ steps: [{ delay: -5 }] }, /-5 is not a duration/],
    [{ steps: [{ fault: "ECONNRESET" }] }, /unknown fault/],
    [7, /a function or a script, not 7/],
    [null, /a function or a script, not null/],
  ]) {
    assert.throws(
      () => transport.websocket(URL_TEXT).accept(script),
      (error) => error instanceof InvalidRuleError && message.test(error.message),
      JSON.stringify(script),
    );
  }
  assert.throws(() => transport.websocket(URL_TEXT).protocol(7), InvalidRuleError);
}));

test("dispose() ends scripts, also those that have not begun", async () => {
  const transport = new MockTransport({ timing: "manual" });
  transport.websocket("/late").accept({ openAfter: 100 });
  transport.websocket("/open").accept({ steps: [{ delay: 100 }, { send: "late" }] });
  const late = new transport.WebSocket("wss://x.test/late");
  const open = await connected(transport, "wss://x.test/open");
  const histories = [historyOf(late), historyOf(open)];
  transport.dispose();
  await Promise.all([eventOf(late, "close"), eventOf(open, "close")]);
  assert.deepEqual(histories, [["error", "close 1006 unclean"], ["error", "close 1006 unclean"]]);
});
