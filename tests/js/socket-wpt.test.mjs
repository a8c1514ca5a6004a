/**
 * What the web-platform-tests of `websockets/` ask of a `WebSocket`, asked of ours. Each test is named
 * after the file that asks for it, and written anew. Left out is what concerns documents, frames,
 * cookies, ports and bytes on a wire.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MockTransport } from "mockwire";
import { connected, eventOf, historyOf, settled } from "./support.mjs";

const HOST = "wss://wpt.test:8443";
const ECHO = `${HOST}/echo`;

/** The server that those tests talk to, as far as it is needed. */
function serve(transport) {
  const echo = (socket) => {
    socket.onmessage = (message) => (message === "Goodbye" ? socket.close(1000) : socket.send(message));
  };
  transport.websocket(/\/echo(\?.*)?$/).accept(echo);
  transport.websocket("/echo-query").accept((socket, request) => socket.send(new URL(request.url).search.slice(1)));
  transport.websocket("/empty-message").accept((socket) => socket.send(""));
  transport.websocket("/handshake_protocol").protocol("foobar").accept();
  transport.websocket("/handshake_no_protocol").protocol(() => undefined).accept();
  transport.websocket("/protocol_array").accept((socket) => socket.send(socket.protocol));
  transport.websocket("/simple_handshake").accept((socket) => socket.close(1000, "ok"));
  transport.websocket("/abort").accept((socket) => socket.abort());
  transport.websocket("/basic_auth").basicAuth("foo", "bar").accept();
  transport.websocket("/404").refuse(404);
  transport.websocket("/sleep").hold();
}

function wpt(name, body) {
  test(name, async () => {
    const transport = new MockTransport({ baseUrl: "https://wpt.test:8443/websockets/test.html" });
    serve(transport);
    try {
      await body(transport.WebSocket, transport);
    } finally {
      transport.dispose();
    }
  });
}

const throwsDom = (name, attempt) =>
  assert.throws(attempt, (error) => {
    assert.ok(error instanceof DOMException, String(error));
    assert.equal(error.name, name);
    return true;
  });

const silent = (socket, ...types) => types.forEach((type) => (socket[`on${type}`] = () => assert.fail(`${type} came`)));

describe("constructor", () => {
  wpt("constructor.any: a stray argument is no mistake", (WebSocket) => {
    assert.ok(new WebSocket(ECHO, "echo", "stray") instanceof WebSocket);
  });

  wpt("constructor/001: without arguments it throws a TypeError, and it is no function", (WebSocket) => {
    assert.throws(() => new WebSocket(), TypeError);
    assert.throws(() => WebSocket(ECHO), TypeError);
  });

  wpt("constructor/002, Create-invalid-urls.any: URLs that are none, of other schemes, with fragments", (WebSocket) => {
    for (const url of [
      "ws://foo bar.com/",
      "wss://foo bar.com/",
      "ftp://wpt.test/",
      "mailto:example@example.org",
      "about:blank",
      `${HOST}/#`,
      `${HOST}/#test`,
      "#test",
      "javascript:1",
    ]) {
      throwsDom("SyntaxError", () => new WebSocket(url));
    }
  });

  wpt("Create-wrong-scheme.any: file URLs are refused", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket("file:///echo"));
  });

  wpt("Create-http-urls.any: http becomes ws, https becomes wss", (WebSocket) => {
    assert.equal(new WebSocket("http://wpt.test/").url, "ws://wpt.test/");
    assert.equal(new WebSocket("https://wpt.test/").url, "wss://wpt.test/");
  });

  wpt("Create-valid-url-relative: relative URLs are resolved", (WebSocket) => {
    assert.equal(new WebSocket("/echo").url, ECHO);
    assert.equal(new WebSocket("?x").url, `${HOST}/websockets/test.html?x`);
    assert.equal(new WebSocket("//other.test/a").url, "wss://other.test/a");
    assert.equal(new WebSocket("").url, `${HOST}/websockets/test.html`);
  });

  wpt("Create-url-with-space.any: a space in the host is a SyntaxError", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket("wss://web platform.test:80/echo"));
  });

  wpt("Create-verify-url-set-default-port: the default port is left out", (WebSocket) => {
    assert.equal(new WebSocket("ws://wpt.test:80/").url, "ws://wpt.test/");
    assert.equal(new WebSocket("wss://wpt.test:443/").url, "wss://wpt.test/");
  });

  wpt("Create-verify-url-set-non-default-port.any: another one stays", (WebSocket) => {
    assert.equal(new WebSocket("wss://wpt.test:80/").url, "wss://wpt.test:80/");
  });

  wpt("constructor/004: subprotocols that are empty or have control or non-ASCII characters", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket(ECHO, ""));
    for (let code = 1; code < 0x20; code += 1) throwsDom("SyntaxError", () => new WebSocket(ECHO, `a${String.fromCharCode(code)}b`));
    for (let code = 0x7f; code < 0x100; code += 1) throwsDom("SyntaxError", () => new WebSocket(ECHO, `a${String.fromCharCode(code)}b`));
  });

  wpt("constructor/005: subprotocols with NUL", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket(ECHO, "a\0b"));
  });

  wpt("Create-asciiSep-protocol-string.any: subprotocols with separators", (WebSocket) => {
    for (const separator of "()<>@,;:\\\"/[]?={} \t") throwsDom("SyntaxError", () => new WebSocket(ECHO, `ec${separator}ho`));
  });

  wpt("Create-nonAscii-protocol-string.any, Create-protocol-with-space.any", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket(ECHO, "\u0080echo"));
    throwsDom("SyntaxError", () => new WebSocket(ECHO, "ec ho"));
  });

  wpt("Create-protocols-repeated.any: a subprotocol twice", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket(ECHO, ["echo", "echo"]));
  });

  wpt("Create-protocols-repeated-case-insensitive.any: a subprotocol twice, in another case", (WebSocket) => {
    throwsDom("SyntaxError", () => new WebSocket(ECHO, ["echo", "eCho"]));
  });

  wpt("constructor/006, Create-valid-url-array-protocols.any: a list of subprotocols", async (WebSocket, transport) => {
    const socket = await connected(transport, ECHO, ["echo", "chat"]);
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.close();
    assert.equal((await eventOf(socket, "close")).wasClean, true);
  });

  wpt("constructor/008: ports that are not blocked", (WebSocket) => {
    for (const url of ["ws://a.test:80/", "ws://a.test:443/", "wss://a.test:80/", "wss://a.test:443/"]) new WebSocket(url);
  });

  wpt("constructor/009, 010, Create-valid-url-protocol-setCorrectly.any: the subprotocol that was agreed on", async (_, transport) => {
    const socket = await connected(transport, `${HOST}/handshake_protocol`, "foobar");
    assert.equal(socket.protocol, "foobar");
  });

  wpt("constructor/011: subprotocols are compared with their case", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/handshake_protocol`, "FOOBAR");
    const history = historyOf(socket);
    await eventOf(socket, "close");
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
  });

  wpt("constructor/012: none in the response fails the connection, once", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/handshake_no_protocol`, "foobar");
    silent(socket, "open", "message");
    await eventOf(socket, "close");
    silent(socket, "close");
    await settled();
  });

  wpt("constructor/013: many connections at once", async (WebSocket) => {
    const sockets = Array.from({ length: 25 }, () => new WebSocket(`${HOST}/empty-message`));
    for (const { data } of await Promise.all(sockets.map((socket) => eventOf(socket, "message")))) assert.equal(data, "");
  });

  wpt("constructor/014: several at a time, each with its own end", async (WebSocket) => {
    const sockets = Array.from({ length: 4 }, () => new WebSocket(`${HOST}/simple_handshake`));
    for (const { code, reason } of await Promise.all(sockets.map((socket) => eventOf(socket, "close")))) {
      assert.deepEqual([code, reason], [1000, "ok"]);
    }
  });

  wpt("constructor/016, 017: what is not ASCII in a query is sent as UTF-8", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/echo-query?åäö`);
    assert.equal((await eventOf(socket, "message")).data, "%C3%A5%C3%A4%C3%B6");
  });

  wpt("constructor/018: a NUL in the query is sent escaped", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/echo-query?x\u0000y`);
    assert.equal((await eventOf(socket, "message")).data, "x%00y");
  });

  wpt("constructor/019: the first of several subprotocols that the server knows", async (_, transport) => {
    assert.equal((await connected(transport, `${HOST}/protocol_array`, ["foobar", "foobar2"])).protocol, "foobar");
  });

  wpt("constructor/020: an empty message is received", async (WebSocket) => {
    assert.equal((await eventOf(new WebSocket(`${HOST}/empty-message`), "message")).data, "");
  });

  wpt("constructor/021: a list that is empty is no list", async (_, transport) => {
    assert.equal((await connected(transport, ECHO, [])).protocol, "");
  });

  wpt("constructor/022: any iterable is a list, and values are converted", async (_, transport) => {
    const socket = await connected(transport, `${HOST}/protocol_array`, new Set([{ toString: () => "foobar" }]));
    assert.equal(socket.protocol, "foobar");
  });

  wpt("constructor/option-bag.any: options instead of subprotocols", async (_, transport) => {
    await connected(transport, ECHO, {});
    const socket = await connected(transport, `${HOST}/protocol_array`, { protocols: ["foobar", "foobar2"] });
    assert.equal(socket.protocol, "foobar");
  });

  wpt("basic-auth.any: credentials in the URL are sent", async (_, transport) => {
    await connected(transport, "wss://foo:bar@wpt.test:8443/basic_auth");
  });

  wpt("url/001 to 006, url/resolve: the URL is there at once, normalised, and cannot be set", (WebSocket) => {
    const socket = new WebSocket("wss://WPT.test:8443/echo?foo%20bar baz");
    assert.equal(socket.url, `${HOST}/echo?foo%20bar%20baz`);
    assert.throws(() => (socket.url = "x"), TypeError);
    assert.equal(new WebSocket("wss://wpt.test:8443").url, `${HOST}/`);
  });
});

describe("close", () => {
  for (const [name, args, code, reason] of [
    ["Close-1000, Close-1000-verify-code.any", [1000], 1000, ""],
    ["Close-1000-reason.any", [1000, "Clean Close"], 1000, "Clean Close"],
    ["Close-1005-verify-code.any: without a code", [], 1005, ""],
    ["Close-undefined.any: undefined is none", [undefined], 1005, ""],
    ["Close-3000-reason, Close-3000-verify-code.any", [3000, "Clean Close"], 3000, "Clean Close"],
    ["Close-4999-reason.any", [4999, "Clean Close"], 4999, "Clean Close"],
    ["Close-reason-unpaired-surrogates.any", [1000, "\uD807"], 1000, "\uFFFD"],
  ]) {
    wpt(name, async (_, transport) => {
      const socket = await connected(transport, ECHO);
      silent(socket, "message", "error");
      socket.close(...args);
      assert.equal(socket.readyState, 2);
      const event = await eventOf(socket, "close");
      assert.deepEqual([event.code, event.reason, event.wasClean], [code, reason, true]);
    });
  }

  wpt("close-invalid.any, Close-1005, Close-2999-reason, Close-onlyReason.any: codes that may not be given", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    for (const code of [0, 500, NaN, "string", null, 0x10000 + 1000, 999, 1001, 1005, 1006, 1015, 2999, 5000, "Close with only reason"]) {
      throwsDom("InvalidAccessError", () => socket.close(code));
    }
    assert.equal(socket.readyState, 1);
  });

  wpt("Close-Reason-124Bytes.any: a reason that is too long", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    throwsDom("SyntaxError", () => socket.close(1000, "x".repeat(124)));
    throwsDom("SyntaxError", () => socket.close(1000, "é".repeat(62)));
    assert.equal(socket.readyState, 1);
    socket.close(1000, "é".repeat(61));
    assert.equal((await eventOf(socket, "close")).reason, "é".repeat(61));
  });

  wpt("Close-readyState-Closing.any", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close();
    assert.equal(socket.readyState, 2);
    assert.equal((await eventOf(socket, "close")).wasClean, true);
  });

  wpt("Close-readyState-Closed.any", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close();
    await eventOf(socket, "close");
    assert.equal(socket.readyState, 3);
  });

  wpt("Close-server-initiated-close.any", async (WebSocket, transport) => {
    const socket = await connected(transport, ECHO);
    socket.send("Goodbye");
    const { wasClean, code } = await eventOf(socket, "close");
    assert.deepEqual([socket.readyState, wasClean, code], [WebSocket.CLOSED, true, 1000]);
  });

  wpt("Close-delayed.any: no close event before the server has agreed", async (_, transport) => {
    const endpoint = transport.websocket("/delayed").accept();
    const socket = await connected(transport, `${HOST}/delayed`);
    const peer = await endpoint.next();
    const history = historyOf(socket);
    socket.close();
    assert.deepEqual(history, []);
    await peer.closed;
    assert.deepEqual(history, []);
    await eventOf(socket, "close");
    assert.deepEqual(history, ["close 1005 clean"]);
  });

  wpt("close/close-basic, close-return: close() returns nothing, and the close event has the state CLOSED", async (WebSocket, transport) => {
    const socket = await connected(transport, ECHO);
    assert.equal(socket.close(), undefined);
    await eventOf(socket, "close");
    assert.equal(socket.readyState, WebSocket.CLOSED);
  });

  wpt("close/close-connecting: while it is connecting", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    silent(socket, "open");
    await settled();
    assert.equal(socket.readyState, WebSocket.CONNECTING);
    socket.close();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    const { wasClean } = await eventOf(socket, "close");
    assert.deepEqual([socket.readyState, wasClean], [WebSocket.CLOSED, false]);
  });

  wpt("close/close-connecting-async.any: then error and close come later, once each, in this order", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    const history = historyOf(socket);
    socket.close();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    assert.deepEqual(history, []);
    await eventOf(socket, "error");
    assert.equal(socket.readyState, WebSocket.CLOSED);
    await eventOf(socket, "close");
    await settled();
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
  });

  wpt("close/close-multiple: the second time, nothing happens", async (WebSocket) => {
    const socket = new WebSocket(ECHO);
    const history = historyOf(socket);
    socket.close();
    socket.close();
    socket.close();
    await eventOf(socket, "close");
    await settled();
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
  });

  wpt("close/close-nested: close() inside the close event", async (WebSocket) => {
    const socket = new WebSocket(ECHO);
    let count = 0;
    socket.onclose = () => {
      count += 1;
      socket.close();
      assert.equal(socket.readyState, WebSocket.CLOSED);
    };
    socket.close();
    await eventOf(socket, "close");
    await settled();
    assert.equal(count, 1);
  });

  wpt("close/close-replace: the method is an ordinary property", (WebSocket) => {
    const socket = new WebSocket(ECHO);
    const own = () => 5;
    socket.close = own;
    assert.equal(socket.close, own);
  });

  wpt("closing-handshake/002: the server closes while the client sends", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.onclose = () => socket.send("too late");
    socket.send("Goodbye");
    socket.send("on its way");
    silent(socket, "error");
    assert.equal((await eventOf(socket, "close")).wasClean, true);
  });

  wpt("closing-handshake/003: the client closes, and nothing comes after", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    silent(socket, "message", "error");
    socket.close();
    const { code, wasClean } = await eventOf(socket, "close");
    assert.deepEqual([code, wasClean], [1005, true]);
    silent(socket, "close");
    await settled();
  });

  wpt("closing-handshake/004: a message that arrives after close() is not delivered", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    silent(socket, "message");
    socket.send("echo this");
    socket.close();
    await eventOf(socket, "close");
  });

  wpt("unload-a-document, as a connection that is lost: error, then 1006", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/abort`);
    const history = historyOf(socket);
    await eventOf(socket, "close");
    assert.deepEqual(history, ["open", "error", "close 1006 unclean"]);
  });

  wpt("opening-handshake/005: a response that is not 101 fails the connection", async (WebSocket) => {
    const socket = new WebSocket(`${HOST}/404`);
    const history = historyOf(socket);
    await eventOf(socket, "close");
    assert.deepEqual(history, ["error", "close 1006 unclean"]);
  });
});

describe("send", () => {
  wpt("Send-before-open.any: an InvalidStateError", (WebSocket) => {
    const socket = new WebSocket(ECHO);
    throwsDom("InvalidStateError", () => socket.send("x"));
    assert.equal(socket.bufferedAmount, 0);
  });

  wpt("send/001: without an argument, a TypeError", async (WebSocket, transport) => {
    const socket = await connected(transport, ECHO);
    assert.throws(() => socket.send(), TypeError);
    assert.throws(() => new WebSocket(ECHO).send(), TypeError);
  });

  for (const [name, data, bytes, received = data] of [
    ["Send-data.any", "Message to send", 15],
    ["Send-0byte-data.any", "", 0],
    ["Send-65K-data.any, bufferedAmount-large", "c".repeat(65_000), 65_000],
    ["Send-paired-surrogates.any", "\uD801\uDC07", 4],
    ["Send-unpaired-surrogates.any", "\uD807", 3, "\uFFFD"],
    ["Send-unicode-data.any, bufferedAmount-unicode", "¥¥¥¥¥¥", 12],
    ["Send-null.any: null is a text", null, 4, "null"],
    ["send/006: what is no text is converted", { toString: () => "converted" }, 9, "converted"],
  ]) {
    wpt(name, async (_, transport) => {
      const socket = await connected(transport, ECHO);
      assert.equal(socket.send(data), undefined);
      assert.equal(socket.bufferedAmount, bytes);
      assert.equal((await eventOf(socket, "message")).data, received);
      assert.equal(socket.bufferedAmount, 0);
      socket.close();
      assert.equal((await eventOf(socket, "close")).wasClean, true);
    });
  }

  const eight = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const [name, data, expected] of [
    ["Send-binary-arraybuffer.any", eight.buffer, eight],
    ["Send-binary-65K-arraybuffer.any", new Uint8Array(65_000).buffer, new Uint8Array(65_000)],
    ["Send-binary-arraybufferview-int8.any", new Int8Array(eight.buffer), eight],
    ["Send-binary-arraybufferview-int16-offset.any", new Int16Array(eight.buffer, 2), eight.subarray(2)],
    ["Send-binary-arraybufferview-float32.any", new Float32Array(eight.buffer), eight],
    ["Send-binary-arraybufferview-float64.any", new Float64Array(eight.buffer), eight],
    ["Send-binary-arraybufferview-uint8-offset-length.any", new Uint8Array(eight.buffer, 2, 4), eight.subarray(2, 6)],
    ["Send-binary-arraybufferview-uint16-offset-length.any", new Uint16Array(eight.buffer, 2, 2), eight.subarray(2, 6)],
    ["Send-binary-arraybufferview-uint32-offset.any", new Uint32Array(eight.buffer, 4), eight.subarray(4)],
    ["Send-binary-blob.any", new Blob([eight]), eight],
  ]) {
    wpt(name, async (_, transport) => {
      const socket = await connected(transport, ECHO);
      socket.binaryType = "arraybuffer";
      socket.send(data);
      assert.equal(socket.bufferedAmount, expected.length);
      const { data: received } = await eventOf(socket, "message");
      assert.ok(received instanceof ArrayBuffer);
      assert.deepEqual(new Uint8Array(received), new Uint8Array(expected));
    });
  }

  wpt("send/007: after close(), nothing strange happens", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    silent(socket, "error", "message");
    socket.close();
    assert.equal(socket.send("test"), undefined);
    await eventOf(socket, "close");
  });

  wpt("send/008, 009: after the close event, every call of send() counts in bufferedAmount", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close();
    await eventOf(socket, "close");
    socket.send("test");
    assert.equal(socket.bufferedAmount, 4);
    socket.send(new Uint8Array(3));
    socket.send(new Blob(["12"]));
    await settled();
    assert.equal(socket.bufferedAmount, 9);
  });

  wpt("send/010: messages and blobs keep their order", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    const lengths = [];
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => lengths.push(data.byteLength ?? data);
    socket.send("first");
    socket.send(new Blob(["a blob"]));
    socket.send("second");
    socket.send(new Uint8Array(2));
    socket.send("Goodbye");
    await eventOf(socket, "close");
    assert.deepEqual(lengths, ["first", 6, "second", 2]);
  });

  wpt("binary/001, 002: a blob unless an ArrayBuffer is wanted", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.send(eight);
    const { data: blob } = await eventOf(socket, "message");
    assert.ok(blob instanceof Blob);
    assert.equal(blob.size, 8);
    socket.binaryType = "arraybuffer";
    socket.send(eight);
    assert.equal((await eventOf(socket, "message")).data.byteLength, 8);
  });

  wpt("binary/004: large binary messages", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.binaryType = "arraybuffer";
    socket.send(new Uint8Array(200_000).fill(7));
    const { data } = await eventOf(socket, "message");
    assert.deepEqual([data.byteLength, new Uint8Array(data).every((byte) => byte === 7)], [200_000, true]);
  });

  wpt("binary/005, Create-valid-url-binaryType-blob.any, binaryType-wrong-value.any", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    assert.equal(socket.binaryType, "blob");
    socket.binaryType = "notBlobOrArrayBuffer";
    assert.equal(socket.binaryType, "blob");
    socket.binaryType = "arraybuffer";
    assert.equal(socket.binaryType, "arraybuffer");
  });
});

describe("attributes", () => {
  wpt("constants/001 to 006: on the class, on its prototype, on its objects, and unchangeable", (WebSocket) => {
    const socket = new WebSocket(ECHO);
    for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
      for (const holder of [WebSocket, WebSocket.prototype, socket]) {
        assert.equal(holder[name], value);
        assert.throws(() => (holder[name] = 9), TypeError);
        assert.equal(holder[name], value);
      }
    }
  });

  wpt("readyState/001 to 008: connecting, open, closing, closed; it cannot be set", async (WebSocket) => {
    const socket = new WebSocket(ECHO);
    const states = [socket.readyState];
    assert.throws(() => (socket.readyState = 5), TypeError);
    await eventOf(socket, "open");
    states.push(socket.readyState);
    socket.close();
    states.push(socket.readyState);
    await eventOf(socket, "close");
    states.push(socket.readyState);
    assert.deepEqual(states, [0, 1, 2, 3]);
    assert.equal("readyState" in WebSocket.prototype, true);
  });

  wpt("protocol-initial, extensions/001, Create-extensions-empty.any, bufferedAmount-initial: empty at first", async (WebSocket) => {
    const socket = new WebSocket(ECHO, "echo");
    assert.deepEqual([socket.protocol, socket.extensions, socket.bufferedAmount], ["", "", 0]);
    await eventOf(socket, "open");
    assert.deepEqual([socket.protocol, socket.extensions, socket.bufferedAmount], ["echo", "", 0]);
  });

  wpt("bufferedAmount-readonly, bufferedAmount-deleting", (WebSocket) => {
    const socket = new WebSocket(ECHO);
    assert.throws(() => (socket.bufferedAmount = 5), TypeError);
    assert.equal(delete socket.bufferedAmount, true);
    assert.equal(socket.bufferedAmount, 0);
    assert.equal(delete WebSocket.prototype.bufferedAmount, true);
  });

  wpt("bufferedAmount-getting: it changes between tasks only", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.send("x");
    socket.send("yz");
    for (let n = 0; n < 1000; n += 1) assert.equal(socket.bufferedAmount, 3);
    await eventOf(socket, "message");
    assert.equal(socket.bufferedAmount, 0);
  });
});

describe("events", () => {
  wpt("events/001 to 004, 006: the attributes are null, take functions, and nothing else", (WebSocket) => {
    const socket = new WebSocket(ECHO);
    for (const name of ["onopen", "onmessage", "onerror", "onclose"]) {
      assert.equal(socket[name], null);
      const listener = () => {};
      socket[name] = listener;
      assert.equal(socket[name], listener);
      for (const nothing of [2, true, undefined, null, "text"]) {
        socket[name] = listener;
        socket[name] = nothing;
        assert.equal(socket[name], null);
      }
    }
  });

  wpt("events/007: message events are what they should be", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.send("x");
    const event = await eventOf(socket, "message");
    assert.ok(event instanceof MessageEvent);
    assert.deepEqual([event.type, event.data, event.origin, event.target], ["message", "x", HOST, socket]);
  });

  wpt("events/008, 009, 010: open, close and error, in their attributes, with the socket as `this`", async (WebSocket) => {
    for (const [url, names] of [[ECHO, ["open", "close"]], [`${HOST}/404`, ["error", "close"]]]) {
      const socket = new WebSocket(url);
      const seen = [];
      for (const name of ["open", "message", "error", "close"]) {
        socket[`on${name}`] = function (event) {
          assert.equal(this, socket);
          assert.equal(event.target, socket);
          seen.push(event.type);
          if (event.type === "open") socket.close();
        };
      }
      await eventOf(socket, "close");
      assert.deepEqual(seen, names);
    }
  });

  wpt("events/011, 012: a handler that is replaced keeps its place, one that is taken away is gone", (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    const calls = [];
    socket.onopen = () => calls.push("replaced");
    socket.addEventListener("open", () => calls.push("second"));
    socket.onopen = () => calls.push("first");
    socket.dispatchEvent(new Event("open"));
    socket.onopen = null;
    socket.dispatchEvent(new Event("open"));
    socket.onopen = () => calls.push("now the last");
    socket.dispatchEvent(new Event("open"));
    assert.deepEqual(calls, ["first", "second", "second", "second", "now the last"]);
  });

  wpt("events/013, 014: an object with handleEvent is kept as an attribute, and not called", (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    for (const name of ["open", "message", "error", "close"]) {
      const object = { handleEvent: () => assert.fail("it was called") };
      socket[`on${name}`] = object;
      assert.equal(socket[`on${name}`], object);
      socket.dispatchEvent(new Event(name));
    }
  });

  wpt("events/015: as a listener it is called", (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    let count = 0;
    socket.addEventListener("open", { handleEvent: () => (count += 1) });
    socket.dispatchEvent(new Event("open"));
    assert.equal(count, 1);
  });

  wpt("events/016: listeners and attributes are called in the order in which they came", async (WebSocket) => {
    const socket = new WebSocket(ECHO);
    const order = [];
    for (const type of ["open", "message", "close"]) {
      socket.addEventListener(type, () => order.push(`${type} 1`));
      socket[`on${type}`] = () => order.push(`${type} 2`);
      socket.addEventListener(type, () => order.push(`${type} 3`));
    }
    socket.addEventListener("open", () => socket.send("x"));
    socket.addEventListener("message", () => socket.close());
    await eventOf(socket, "close");
    assert.deepEqual(order, ["open", "message", "close"].flatMap((type) => [1, 2, 3].map((n) => `${type} ${n}`)));
  });

  wpt("events/017: every listener is called with the same event, as a plain object is", (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    const events = [];
    const listener = (event) => events.push(event);
    socket.onmessage = listener;
    socket.addEventListener("message", listener);
    socket.addEventListener("message", listener);
    socket.dispatchEvent(new Event("message"));
    assert.equal(events.length, 2);
    assert.equal(events[0], events[1]);
  });

  wpt("events/018: the names of the events; they neither bubble nor can be cancelled", async (WebSocket) => {
    const names = { open: "Event", message: "MessageEvent", error: "Event", close: "CloseEvent" };
    const socket = new WebSocket(`${HOST}/abort`);
    const other = await new Promise((resolve) => (socket.onopen = resolve));
    const events = [other, await eventOf(socket, "error"), await eventOf(socket, "close"), await eventOf(new WebSocket(`${HOST}/empty-message`), "message")];
    for (const event of events) {
      assert.equal(event.constructor.name, names[event.type]);
      assert.deepEqual([event.bubbles, event.cancelable], [false, false]);
    }
  });

  wpt("events/019: removeEventListener", (WebSocket) => {
    const socket = new WebSocket(`${HOST}/sleep`);
    for (const type of ["open", "message", "error", "close"]) {
      const listener = () => assert.fail("it was called");
      socket.addEventListener(type, listener);
      socket.removeEventListener(type, listener);
      socket.dispatchEvent(new Event(type));
    }
  });

  wpt("events/020: a server that is not there is an error", async (WebSocket) => {
    assert.ok((await eventOf(new WebSocket("ws://example.invalid/"), "error")) instanceof Event);
  });

  wpt("CloseEvent/constructor: what it says when it is told nothing", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close(3000, "x");
    const { constructor: CloseEvent } = await eventOf(socket, "close");
    const empty = new CloseEvent("foo");
    assert.deepEqual([empty.type, empty.code, empty.reason, empty.wasClean, empty.bubbles, empty.cancelable], ["foo", 0, "", false, false, false]);
    const full = new CloseEvent("foo", { bubbles: true, cancelable: true, wasClean: true, code: 7, reason: "x" });
    assert.deepEqual([full.code, full.reason, full.wasClean, full.bubbles, full.cancelable], [7, "x", true, true, true]);
  });

  wpt("CloseEvent/clean-close: code, reason and wasClean of the event", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close(3123, "a reason");
    const { code, reason, wasClean } = await eventOf(socket, "close");
    assert.deepEqual([code, reason, wasClean], [3123, "a reason", true]);
  });

  wpt("CloseEvent/historical: there is no initCloseEvent", async (_, transport) => {
    const socket = await connected(transport, ECHO);
    socket.close();
    assert.equal("initCloseEvent" in (await eventOf(socket, "close")), false);
  });
});
