/** A client that takes a WebSocket class, unmodified: partysocket, which connects again by itself. */

import assert from "node:assert/strict";
import { test } from "node:test";
import ReconnectingWebSocket from "partysocket/ws";
import { eventOf, withTransport } from "./support.mjs";

const URL_TEXT = "wss://api.test/feed";

/** The client's own delays, as short as it allows. */
const QUICK = { minReconnectionDelay: 1, maxReconnectionDelay: 2, minUptime: 0, connectionTimeout: 60_000 };

const open = (transport, protocols) => new ReconnectingWebSocket(URL_TEXT, protocols, { ...QUICK, WebSocket: transport.WebSocket });

test("it talks", withTransport(async (transport) => {
  transport.websocket(URL_TEXT).accept((socket) => {
    socket.onmessage = (message) => socket.send(message);
  });
  const client = open(transport, ["v1"]);
  await eventOf(client, "open");
  assert.deepEqual([client.url, client.protocol, client.readyState], [URL_TEXT, "v1", 1]);
  client.send("hi");
  assert.equal((await eventOf(client, "message")).data, "hi");
  client.binaryType = "arraybuffer";
  client.send(new Uint8Array([1, 2]));
  assert.deepEqual(new Uint8Array((await eventOf(client, "message")).data), new Uint8Array([1, 2]));
  client.close(1000, "done");
  transport.verify();
}));

test("it connects again when the connection is lost, and sends what it has kept", withTransport(async (transport) => {
  const endpoint = transport.websocket(URL_TEXT).times(3).accept();
  const client = open(transport);
  const first = await endpoint.next();
  await eventOf(client, "open");
  first.abort();
  await eventOf(client, "error");
  client.send("meanwhile");
  const second = await endpoint.next();
  assert.equal(await second.receive(), "meanwhile");
  second.close(1012, "restart");
  assert.equal((await eventOf(client, "close")).code, 1012);
  const third = await endpoint.next();
  await eventOf(client, "open");
  client.close(1000, "done");
  assert.deepEqual(await third.closed, { code: 1000, reason: "done", wasClean: true });
  assert.deepEqual(endpoint.messages.map(String), [
    '#2 client text "meanwhile"',
    "#2 server close 1012 restart",
    "#2 client close 1012 restart",
    "#3 client close 1000 done",
    "#3 server close 1000 done",
  ]);
  assert.equal(endpoint.rule.calls, 3);
  transport.verify();
}));

test("it connects again when it is refused, and when nobody is there", withTransport(async (transport) => {
  transport.websocket(URL_TEXT).once().refuse(503);
  transport.websocket(URL_TEXT).once().fail("ECONNREFUSED");
  const endpoint = transport.websocket(URL_TEXT).accept((socket) => socket.send("at last"));
  const client = open(transport);
  assert.equal((await eventOf(client, "message")).data, "at last");
  assert.deepEqual(transport.requests().map(({ status, outcome }) => [status, outcome]), [
    [503, "done"],
    [undefined, "failed"],
    [101, "pending"],
  ]);
  client.close();
  await endpoint.waitForMessage((message) => message.type === "close");
  transport.verify();
}));

test("it gives up when the server is silent, and the test sees that", withTransport(async (transport) => {
  transport.websocket(URL_TEXT).hold();
  const client = new ReconnectingWebSocket(URL_TEXT, [], { ...QUICK, connectionTimeout: 5, maxRetries: 0, WebSocket: transport.WebSocket });
  assert.equal((await eventOf(client, "error")).message, "TIMEOUT");
  assert.equal(transport.lastRequest().outcome, "cancelled");
  client.close();
}));
