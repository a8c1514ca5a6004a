// undici's MockAgent behind undici's own `request`: no Response object is made.
import { request } from "undici";
import { URL_OF_ALL, init } from "../fixtures.mjs";
import { agentOf } from "./undici-agent.mjs";

export async function open({ handlers = 1 } = {}) {
  const { agent, register } = agentOf(handlers);
  return {
    post: async () => (await request(URL_OF_ALL, { ...init(), dispatcher: agent })).body.json(),
    register,
    clear() {},
    close: () => agent.close(),
  };
}
