/** Transports with limits: their requests are decided once they are admitted. The engine says when. */

import type { Core } from "../core.js";
import { FAILED, WAITING } from "../engine.js";
import type { Exchange } from "../exchange.js";
import { adopt, notSent } from "../fetch.js";
import { PermitEvents } from "./permit-events.js";

export class Admission {
  readonly #core: Core;
  /** By what the engine knows exchanges. */
  readonly #numbers = new WeakMap<Exchange, number>();
  /** Who goes on when it is admitted, by these numbers. */
  readonly #waiting = new Map<number, () => void>();
  /** How long those waited who did. */
  readonly #queued = new WeakMap<Exchange, number>();
  readonly #events = new Set<PermitEvents>();
  /** Everybody is going: nobody is admitted instead. */
  #isClosing = false;

  constructor(core: Core) {
    this.#core = core;
  }

  /** A request arrives: what the engine decides about it, once it is admitted. Throws when it cannot be read. */
  decide(exchange: Exchange, arriving?: Promise<Uint8Array<ArrayBuffer>>): number | Promise<number> {
    const core = this.#core;
    core.assertUsable();
    core.journal.open(exchange);
    core.follow();
    const number = core.engine.arrive(exchange.address.line(exchange.method).text);
    if (number === FAILED) throw notSent(exchange);
    this.#numbers.set(exchange, number);
    core.arrived();
    return arriving === undefined ? this.#enter(exchange) : this.#enterLater(exchange, arriving);
  }

  /** An exchange is over, and gives back what it holds. */
  over(exchange: Exchange): void {
    this.#waiting.delete(this.#numbers.get(exchange) ?? NaN);
    if (this.#isClosing || this.#core.disposed) return;
    this.#core.follow();
    exchange.tell(this.#core.engine);
    this.serve();
  }

  /** Lets those go on who are admitted by now. */
  serve(): void {
    for (const number of this.#core.engine.admitted()) {
      this.#waiting.get(number)?.();
      this.#waiting.delete(number);
    }
    this.#changed();
  }

  /** By what the engine knows the exchange. */
  numberOf(exchange: Exchange): number | undefined {
    return this.#numbers.get(exchange);
  }

  /** Whether it waits to be admitted. */
  isWaiting(exchange: Exchange | undefined): boolean {
    const number = exchange && this.#numbers.get(exchange);
    return number !== undefined && this.#waiting.has(number);
  }

  /** How long it waited to be admitted. */
  queued(exchange: Exchange): number {
    return this.#queued.get(exchange) ?? 0;
  }

  watch(): PermitEvents {
    for (const events of this.#events) if (!events.isOpen) this.#events.delete(events);
    const events = new PermitEvents(this.#core.engine.watchPermits());
    this.#events.add(events);
    return events;
  }

  /** Everybody is sent away, and the engine forgets them. */
  clear(sendAway: () => void): void {
    this.#isClosing = true;
    sendAway();
    this.#waiting.clear();
    this.#core.engine.reset();
    this.#isClosing = false;
    this.#changed();
  }

  /** The transport is being disposed. */
  dispose(): void {
    for (const events of this.#events) events.close();
    this.#events.clear();
  }

  #enter(exchange: Exchange): number | Promise<number> {
    exchange.hydrated = true;
    const answer = this.#ask(exchange, false);
    return answer === WAITING ? this.#wait(exchange) : this.#decided(exchange, answer);
  }

  #ask(exchange: Exchange, isAdmitted: boolean): number {
    const core = this.#core;
    const { sequence, address, method } = exchange;
    const number = this.#numbers.get(exchange)!;
    const [line, headers, body] = [address.line(method).text, exchange.headerBlock(), exchange.bodyBytes()];
    core.rules.tellSites();
    return core.ask((engine) => engine.enter(number, sequence, line, headers, body, isAdmitted), exchange);
  }

  async #enterLater(exchange: Exchange, arriving: Promise<Uint8Array<ArrayBuffer>>): Promise<number> {
    try {
      exchange.body = await exchange.race(arriving);
    } catch (error) {
      exchange.body = null;
      throw error;
    }
    return this.#enter(exchange);
  }

  async #wait(exchange: Exchange): Promise<number> {
    const core = this.#core;
    this.#changed();
    await exchange.race(new Promise<void>((go) => this.#waiting.set(this.#numbers.get(exchange)!, go)));
    core.assertUsable();
    this.#queued.set(exchange, core.engine.queued(exchange.sequence));
    return this.#decided(exchange, this.#ask(exchange, true));
  }

  #decided(exchange: Exchange, answer: number): number {
    if (answer >= 0) adopt(exchange, answer);
    // Without a reply it is over, and somebody else may be admitted instead.
    if (answer >= 0) this.#changed();
    else this.serve();
    return answer;
  }

  #changed(): void {
    for (const events of this.#events) events.changed();
  }
}
