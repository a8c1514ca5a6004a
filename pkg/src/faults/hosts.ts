/** Hosts that are down: for a while, or killed until they are started again. */

import type { Core } from "../core.js";
import { codeOf } from "../engine.js";
import { InvalidArgumentError, shown } from "../errors.js";
import { networkError, terminated } from "../network-error.js";
import type { Fault } from "../reply/script.js";

/** When a host is down, in milliseconds of the transport's time, and what its clients see then. */
export interface Outage {
  /** From the beginning unless given. */
  readonly from?: number;
  /** The first moment at which it is there again: never unless given. */
  readonly until?: number;
  /** `connectionRefused` unless given. */
  readonly fault?: Fault;
}

export function outage(core: Core, host: string, outage: Outage): void {
  const { from = 0, until = Infinity, fault = "connectionRefused" } = checkedOutage(outage);
  const name = checkedHost("outage", host);
  core.keepTime();
  try {
    core.engine.outage(name, from, until, JSON.stringify(fault) ?? "null");
  } catch (cause) {
    throw new InvalidArgumentError(`outage(): ${(cause as Error).message}`);
  }
}

export function kill(core: Core, host: string): void {
  const name = checkedHost("kill", host);
  core.follow();
  // The engine decides who is lost, and has to know who is over.
  core.journal.tell();
  const lost = core.engine.kill(name);
  const code = codeOf("connectionReset");
  for (const exchange of Array.from(lost, (sequence) => core.journal.find(sequence))) {
    if (exchange === undefined) continue;
    const { address, head } = exchange;
    exchange.lose(head === undefined ? networkError(code, address) : terminated(code, address));
  }
  core.admission?.serve();
}

export function restart(core: Core, host: string): void {
  core.follow();
  core.engine.restart(checkedHost("restart", host));
}

function checkedHost(caller: string, host: unknown): string {
  if (typeof host === "string" && /^[^\s/:@]+$|^\[[\da-fA-F:.]+\]$/.test(host)) return host;
  throw new InvalidArgumentError(`${caller}() takes the name of a host, such as "api.test", not ${shown(host)}`);
}

function checkedOutage(outage: Outage): Outage {
  const { from = 0, until = Infinity } = outage ?? {};
  const isTime = (time: unknown) => typeof time === "number" && time >= 0;
  if (typeof outage === "object" && outage !== null && isTime(from) && isTime(until) && from < Infinity) return outage;
  throw new InvalidArgumentError(
    `outage() takes { from, until, fault }, times being milliseconds, not ${shown(outage)} from ${shown(from)} until ${shown(until)}`,
  );
}
