// The floor: a Map route, a call record, and a Response that is never built. It skips everything a
// product has to do (URLs, Request inputs, header names, errors), so it bounds what is possible.
import { ORIGIN, REPLY, URL_OF_ALL, init, otherPath, paths } from "../fixtures.mjs";

function Lazy(reply) {
  this.reply = reply;
}
Lazy.prototype = Object.create(Response.prototype);
Lazy.prototype.json = async function json() {
  return JSON.parse(this.reply.text);
};

export async function open({ handlers = 1 } = {}) {
  const routes = new Map();
  const calls = [];
  const add = (path) => routes.set(`POST ${ORIGIN}${path}`, { status: 200, text: REPLY });
  paths(handlers).forEach(add);
  const fetch = async (url, init) => {
    const reply = routes.get(`${init.method} ${url}`);
    calls.push({ url, init });
    return new Lazy(reply);
  };
  return {
    post: async () => (await fetch(URL_OF_ALL, init())).json(),
    register(count) {
      for (let n = 0; n < count; n++) add(otherPath(n));
    },
    recorded: () => calls.length,
    clear() {
      calls.length = 0;
    },
    close() {},
  };
}
