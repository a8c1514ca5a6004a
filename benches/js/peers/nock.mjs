// nock, which patches the global fetch.
import nock from "nock";
import { JSON_HEADERS, ORIGIN, REPLY, URL_OF_ALL, init, otherPath, paths } from "../fixtures.mjs";

export async function open({ handlers = 1 } = {}) {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
  const add = (path) => nock(ORIGIN).persist().post(path).reply(200, REPLY, JSON_HEADERS);
  paths(handlers).forEach(add);
  const respond = () => fetch(URL_OF_ALL, init());
  return {
    respond,
    post: async () => (await respond()).json(),
    register(count) {
      for (let n = 0; n < count; n++) add(otherPath(n));
    },
    clear() {},
    close() {
      nock.cleanAll();
      nock.restore();
    },
  };
}
