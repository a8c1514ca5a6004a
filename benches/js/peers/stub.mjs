// The hand-written stub: what people write when they have no library. No routing, no recording.
import { JSON_HEADERS, REPLY, SSE_HEADERS, URL_OF_ALL, handWritten, init } from "../fixtures.mjs";

export async function open() {
  const fetch = async (_url, _init) => new Response(REPLY, { headers: JSON_HEADERS });
  return {
    respond: () => fetch(URL_OF_ALL, init()),
    post: async () => (await fetch(URL_OF_ALL, init())).json(),
    clear() {},
    close() {},
  };
}

export async function openStream(kind) {
  const fetch = async () => new Response(handWritten(kind), { headers: SSE_HEADERS });
  return { stream: fetch, clear() {} };
}
