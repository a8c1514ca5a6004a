// fetch-mock, as an instance of its own; it keeps a call log.
import fetchMock from "fetch-mock";
import { JSON_HEADERS, ORIGIN, REPLY, URL_OF_ALL, init, otherPath, paths } from "../fixtures.mjs";

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
