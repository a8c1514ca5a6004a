// fetch-mock, as an instance of its own; it keeps a call log.
import fetchMock from "fetch-mock";
import { JSON_HEADERS, ORIGIN, REPLY, SSE_HEADERS, STREAM_URL, URL_OF_ALL, handWritten, init, otherPath, paths } from "../fixtures.mjs";

export async function open({ handlers = 1 } = {}) {
  const mock = fetchMock.createInstance();
  const add = (path) => mock.post(ORIGIN + path, { status: 200, body: REPLY, headers: JSON_HEADERS });
  paths(handlers).forEach(add);
  const respond = () => mock.fetchHandler(URL_OF_ALL, init());
  return {
    respond,
    post: async () => (await respond()).json(),
    register(count) {
      for (let n = 0; n < count; n++) add(otherPath(n));
    },
    recorded: () => mock.callHistory.calls().length,
    clear: () => mock.clearHistory(),
    close: () => mock.removeRoutes(),
  };
}

export async function openStream(kind) {
  const mock = fetchMock.createInstance();
  mock.get(STREAM_URL, () => new Response(handWritten(kind), { headers: SSE_HEADERS }));
  return { stream: () => mock.fetchHandler(STREAM_URL), clear: () => mock.clearHistory() };
}
