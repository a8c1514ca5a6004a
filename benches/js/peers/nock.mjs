// nock, which patches the global fetch.
import { Readable } from "node:stream";
import nock from "nock";
import { JSON_HEADERS, ORIGIN, REPLY, SSE_HEADERS, STREAM_URL, URL_OF_ALL, chunksOf, init, otherPath, paths } from "../fixtures.mjs";

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

export async function openStream(kind) {
  const { pathname } = new URL(STREAM_URL);
  const body = () => Readable.from(chunksOf(kind), { objectMode: false });
  nock(ORIGIN).persist().get(pathname).reply(200, body, SSE_HEADERS);
  return { stream: () => fetch(STREAM_URL), clear() {} };
}
