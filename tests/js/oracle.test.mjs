/** Failures as Node's own `fetch` reports them, over sockets of this machine: ours are to look the same. */

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { MockTransport, reply } from "mockwire";

const platformFetch = globalThis.fetch;
const HEAD = "HTTP/1.1 200 OK\r\n";

/** What a client gets: how far it came, and the error as data. */
async function outcomeOf(fetch, url) {
  let text = "";
  try {
    const response = await fetch(url);
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { text };
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    const { name, message, cause } = error;
    const { socket, data, ...own } = { ...cause };
    return { text, error: { type: error.constructor, name, message }, cause: { name: cause.name, message: cause.message, ...own } };
  }
}

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

/** Does this to a connection as soon as there is a request. */
function plainServer(act) {
  return net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => act(socket));
  });
}

function resetAfter(text) {
  return (socket) => socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 30));
}

/** Whether sockets may be used here. */
const mayListen = await new Promise((resolve) => {
  const server = net.createServer().once("error", () => resolve(false));
  server.listen(0, "127.0.0.1", () => server.close(() => resolve(true)));
});

describe("failures are those of Node's fetch", { skip: mayListen ? false : "no sockets on this machine" }, () => {
  let transport;
  before(() => (transport = new MockTransport()));
  after(() => transport.dispose());

  /** The same from a server, and from the mock at the same address. */
  async function compared(server, scheme, made) {
    const port = await listening(server);
    const url = `${scheme}://127.0.0.1:${port}/`;
    const real = await outcomeOf(platformFetch, url);
    server.close();
    const rule = transport.get(url).reply(made(real));
    const ours = await outcomeOf(transport.fetch, url);
    rule.remove();
    return { real, ours };
  }

  test("nobody listens", async () => {
    const server = net.createServer();
    const port = await listening(server);
    server.close();
    await once(server, "close");
    const url = `http://127.0.0.1:${port}/`;
    transport.outage("127.0.0.1");
    const [real, ours] = [await outcomeOf(platformFetch, url), await outcomeOf(transport.fetch, url)];
    transport.restart("127.0.0.1");
    assert.equal(real.cause.code, "ECONNREFUSED");
    assert.deepEqual(ours, { ...real, cause: { ...real.cause, errno: ours.cause.errno } });
  });

  test("no such host", async () => {
    const url = "http://no-such-host.invalid/";
    const real = await outcomeOf(platformFetch, url);
    transport.get(url).error(real.cause.code);
    assert.ok(["ENOTFOUND", "EAI_AGAIN"].includes(real.cause.code));
    assert.deepEqual(await outcomeOf(transport.fetch, url), real);
  });

  for (const [name, code, act, made] of [
    ["the peer closes before the head", "UND_ERR_SOCKET", (socket) => socket.end(), () => reply.error({ fault: "connectionClosed" })],
    ["the peer resets before the head", "ECONNRESET", (socket) => socket.resetAndDestroy(), () => reply.error({ fault: "connectionReset" })],
    ["the head is no head", "HPE_INVALID_CONSTANT", (socket) => socket.end("nonsense\r\n\r\n"), () => reply.error("HPE_INVALID_CONSTANT")],
    ["content-length promises more", "UND_ERR_SOCKET", (socket) => socket.end(`${HEAD}content-length: 15\r\n\r\nhello`), () => reply.damaged("hello", { wrongLength: 10 })],
    ["the peer closes in the middle of chunks", "UND_ERR_SOCKET", (socket) => socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`), () => reply.stream(["hello"], { end: { fault: "connectionClosed" } })],
    ["the peer resets in the middle of a body", "ECONNRESET", resetAfter(`${HEAD}content-length: 15\r\n\r\nhello`), () => reply.damaged("hello and more", { resetAt: 5 })],
    ["the peer resets in the middle of chunks", "ECONNRESET", resetAfter(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`), () => reply.stream(["hello"], { end: "reset" })],
  ]) {
    test(name, async () => {
      const { real, ours } = await compared(plainServer(act), "http", made);
      assert.equal(real.cause.code, code);
      // Numbers of errors differ from system to system.
      if ("errno" in real.cause) ours.cause.errno = real.cause.errno;
      assert.deepEqual(ours, real);
    });
  }

  test("the content is longer than its length says: nobody notices", async () => {
    const { real, ours } = await compared(plainServer((socket) => socket.end(`${HEAD}content-length: 3\r\n\r\nhello`)), "http", () => reply.damaged("hello", { truncateAt: 3 }));
    assert.deepEqual(ours, real);
  });

  // The words of OpenSSL say where in its source it was; the rest is comparable.
  const essence = ({ error, cause: { code, library, reason } }) => ({ error, code, library, reason });

  for (const [name, server] of [
    ["a server without a certificate", () => tls.createServer({}).on("tlsClientError", () => {})],
    ["a server that speaks no TLS", () => plainServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))],
  ]) {
    test(name, async () => {
      const { real, ours } = await compared(server(), "https", ({ cause }) => reply.error(cause.code));
      assert.match(real.cause.code, /^ERR_SSL_/);
      if (/^v20\./.test(process.version)) assert.deepEqual(essence(ours), essence(real));
      else assert.deepEqual([ours.error, ours.cause.code], [real.error, real.cause.code]);
    });
  }

  test("the fault of TLS is what a server without a certificate gives, on Node 20", { skip: !/^v20\./.test(process.version) }, async () => {
    const server = tls.createServer({}).on("tlsClientError", () => {});
    const { real, ours } = await compared(server, "https", () => reply.error({ fault: "tlsFailure" }));
    assert.deepEqual(essence(ours), essence(real));
  });
});
