// undici's MockAgent behind undici's fetch: `fetch(url, { dispatcher: agent })`.
import { fetch } from "undici";
import { URL_OF_ALL, init } from "../fixtures.mjs";
import { agentOf } from "./undici-agent.mjs";

export async function open({ handlers = 1 } = {}) {
  const { agent, register } = agentOf(handlers);
  const respond = () => fetch(URL_OF_ALL, { ...init(), dispatcher: agent });
  return {
    respond,
    post: async () => (await respond()).json(),
    register,
    clear() {},
    close: () => agent.close(),
  };
}
