/** When hosts were down. */

import { isTime, present } from "./present.js";
import type { TimelineEntry, TimelineOutage } from "./value.js";

/** From what the engine tells: host, beginning, end, whether it was killed, and code, in turns. */
export function outagesOf(told: readonly string[], entries: readonly TimelineEntry[]): TimelineOutage[] {
  const outages: TimelineOutage[] = [];
  for (let at = 0; at < told.length; at += 5) {
    const [host, from, end, killed, code] = told.slice(at, at + 5) as [string, string, string, string, string];
    const until = end === "" ? undefined : Number(end);
    outages.push({
      host,
      from: Number(from),
      ...present({ until }, isTime),
      ...present({ killed: killed === "" ? undefined : (true as const) }),
      code,
      ...present({ answered: until === undefined ? undefined : firstAnswer(host, until, entries) }, isTime),
    });
  }
  return outages;
}

/** When a client got an answer of a host for the first time since then. */
function firstAnswer(host: string, since: number, entries: readonly TimelineEntry[]): number | undefined {
  const answers = entries.flatMap(({ head, request }) =>
    head !== undefined && head.at >= since && new URL(request.url).hostname === host ? head.at : [],
  );
  return answers.length === 0 ? undefined : Math.min(...answers);
}
