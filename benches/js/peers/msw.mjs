// msw's node server, which patches the global fetch.
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { JSON_HEADERS, ORIGIN, REPLY, SSE_HEADERS, STREAM_URL, URL_OF_ALL, handWritten, init, otherPath, paths } from "../fixtures.mjs";

export async function open({ handlers = 1 } = {}) {
  const handler = (path) => http.post(ORIGIN + path, () => new HttpResponse(REPLY, { headers: JSON_HEADERS }));
  const server = setupServer(...paths(handlers).map(handler));
  server.listen({ onUnhandledRequest: "error" });
  const respond = () => fetch(URL_OF_ALL, init());
  return {
    respond,
    post: async () => (await respond()).json(),
    register: (count) => server.use(...Array.from({ length: count }, (_, n) => handler(otherPath(n)))),
    clear() {},
    close: () => server.close(),
  };
}

export async function openStream(kind) {
  const server = setupServer(http.get(STREAM_URL, () => new HttpResponse(handWritten(kind), { headers: SSE_HEADERS })));
  server.listen({ onUnhandledRequest: "error" });
  return { stream: () => fetch(STREAM_URL), clear() {} };
}
