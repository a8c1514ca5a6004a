// The hand-written stub: what people write when they have no library. No routing, no recording.
import { EVENTS, JSON_HEADERS, REPLY, URL_OF_ALL, init } from "../fixtures.mjs";

const SSE_HEADERS = { "content-type": "text/event-stream" };

const streams = {
  one: () => new Response(EVENTS.join(""), { headers: SSE_HEADERS }),
  each: () => {
    const encoder = new TextEncoder();
    let next = 0;
    const pull = (controller) => {
      if (next === EVENTS.length) controller.close();
      else controller.enqueue(encoder.encode(EVENTS[next++]));
    };
    return new Response(new ReadableStream({ pull }), { headers: SSE_HEADERS });
  },
};

export async function open() {
  const fetch = async (_url, _init) => new Response(REPLY, { headers: JSON_HEADERS });
  return {
    respond: () => fetch(URL_OF_ALL, init()),
    post: async () => (await fetch(URL_OF_ALL, init())).json(),
    stream: async (kind) => streams[kind](),
    clear() {},
    close() {},
  };
}
