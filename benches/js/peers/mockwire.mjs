// mockwire, as built: `--package` of run.mjs names another build.
import { JSON_HEADERS, ORIGIN, REPLY, SOCKET_URL, SSE_HEADERS, STREAM_URL, URL_OF_ALL, chunksOf, init, otherPath, paths } from "../fixtures.mjs";

const built = process.env.MOCKWIRE_BENCH_PACKAGE ?? new URL("../../../pkg/dist/index.js", import.meta.url).href;
const { MockTransport } = await import(built);

export async function open({ handlers = 1 } = {}) {
  const transport = new MockTransport();
  const add = (path) => transport.post(ORIGIN + path).reply(200, REPLY, JSON_HEADERS);
  paths(handlers).forEach(add);
  const { fetch } = transport;
  return {
    respond: () => fetch(URL_OF_ALL, init()),
    post: async () => (await fetch(URL_OF_ALL, init())).json(),
    register(count) {
      for (let n = 0; n < count; n++) add(otherPath(n));
    },
    recorded: () => transport.requests().length,
    /** What only the engine can answer. */
    find: () => transport.requests("POST /v1/messages"),
    clear: () => transport.clear(),
    close: () => transport.dispose(),
  };
}

export async function openStream(kind) {
  const transport = new MockTransport();
  transport.get(STREAM_URL).stream(chunksOf(kind), { headers: SSE_HEADERS });
  return { stream: () => transport.fetch(STREAM_URL), clear: () => transport.clear() };
}

export async function openEcho() {
  const transport = new MockTransport();
  const endpoint = transport.websocket(SOCKET_URL).accept((socket) => {
    socket.onmessage = (message) => socket.send(message);
  });
  const socket = new transport.WebSocket(SOCKET_URL);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  return { socket, recorded: () => endpoint.messages.length, clear: () => transport.clear() };
}
