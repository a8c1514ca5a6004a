// The MockAgent that both undici peers ask.
import { MockAgent } from "undici";
import { JSON_HEADERS, ORIGIN, REPLY, otherPath, paths } from "../fixtures.mjs";

export function agentOf(handlers) {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const pool = agent.get(ORIGIN);
  const add = (path) => pool.intercept({ path, method: "POST" }).reply(200, REPLY, { headers: JSON_HEADERS }).persist();
  paths(handlers).forEach(add);
  const register = (count) => {
    for (let n = 0; n < count; n++) add(otherPath(n));
  };
  return { agent, register };
}
