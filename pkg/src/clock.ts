/**
 * The transport's time, and who waits for it.
 *
 * What is due, and in which order, the engine knows; here it is made to happen. Nothing exists before
 * somebody waits, and nothing is left when nobody does.
 */

import type { Engine } from "./engine.js";
import { InvalidArgumentError } from "./errors.js";
import { RealTime } from "./real-time.js";
import { Turns } from "./turns.js";

/** Who moves the time: see the option `timing`. */
export type Timing = "instant" | "manual" | "real";

/** Takes an alarm back. Does nothing when it has gone off. */
export type Cancel = () => void;

interface Alarm {
  number: number;
  readonly due: number;
  readonly callback: () => void;
  readonly what: () => string;
}

/** Times are milliseconds since the transport was made. */
export class Clock {
  readonly #engine: Engine;
  readonly #alarms = new Map<number, Alarm>();
  /** Alarms that have fallen due, and whose turn is next. */
  readonly #due: Alarm[] = [];
  readonly #isInstant: boolean;
  readonly #real: RealTime | undefined;
  /** The engine's time, which moves only from here. */
  #now = 0;
  #turns: Turns | undefined;
  #never = -1;
  #isStopped = false;

  constructor(engine: Engine, timing: Timing) {
    this.#engine = engine;
    this.#isInstant = timing === "instant";
    if (timing === "real") this.#real = new RealTime(() => this.#reach(this.now));
  }

  get now(): number {
    return this.#real?.now ?? this.#now;
  }

  /**
   * Calls back at this time, in the order `(due, order of calls)`. What is due now comes soon, but
   * never before this returns. `what` says who waits, for `pending()`.
   */
  at(due: number, callback: () => void, what: () => string): Cancel {
    const alarm: Alarm = { number: 0, due, callback, what };
    this.#set(alarm);
    this.#wake();
    return () => {
      if (!this.#alarms.delete(alarm.number)) return;
      if (alarm.number > 0) this.#engine.cancelAlarm(alarm.number);
      if (this.#alarms.size === 0) this.#real?.stop();
    };
  }

  /** Moves time forward, and lets what falls due meanwhile happen at its own time. */
  advance(milliseconds: number): void {
    if (this.#real !== undefined) {
      throw new InvalidArgumentError('advance() has no power over `timing: "real"`: time moves by itself there');
    }
    const to = this.now + milliseconds;
    this.#reach(to);
    if (this.#isStopped || this.#now >= to) return;
    this.#engine.advance(to - this.#now);
    this.#now = to;
  }

  /** Who waits for which time, the next one first. */
  waiting(): Array<{ readonly what: string; readonly due: number }> {
    const waiting = Array.from(this.#alarms.values(), ({ what, due }) => ({ what: what(), due }));
    return waiting.sort((one, other) => one.due - other.due);
  }

  /** Sets the alarms again that the engine has lost with a reset. */
  restore(): void {
    const lost = [...this.#alarms.values()];
    this.#alarms.clear();
    for (const alarm of lost) this.#set(alarm);
    this.#wake();
  }

  /** Nothing goes off any more. */
  stop(): void {
    this.#isStopped = true;
    this.#alarms.clear();
    this.#due.length = 0;
    this.#turns?.stop();
    this.#real?.stop();
  }

  #set(alarm: Alarm): void {
    // What is never due is only listed.
    alarm.number = alarm.due === Infinity ? this.#never-- : this.#engine.alarm(alarm.due);
    this.#alarms.set(alarm.number, alarm);
  }

  /** Something was set: sees to it that it goes off. */
  #wake(): void {
    const next = this.#due.length > 0 ? this.now : this.#engine.nextDue();
    if (next === Infinity) return;
    if (this.#real !== undefined) return this.#real.arm(next);
    if (this.#isInstant || next <= this.now) (this.#turns ??= new Turns(() => this.#turn())).start();
  }

  /** Everything that needs no time has happened. Says whether there is more to come. */
  #turn(): boolean {
    const limit = this.#isInstant ? Infinity : this.now;
    this.#step(limit);
    return !this.#isStopped && this.#engine.nextDue() <= limit;
  }

  /** Lets happen what is due until then. */
  #reach(to: number): void {
    try {
      do this.#step(to);
      while (!this.#isStopped && this.#engine.nextDue() <= to);
    } finally {
      if (!this.#isStopped) this.#wake();
    }
  }

  /** Lets happen what is due next, unless it is due after `limit`. */
  #step(limit: number): void {
    // What an earlier step has not come to: one of its callbacks moves the time, or has thrown.
    this.#fire();
    if (this.#isStopped) return;
    const numbers = this.#engine.step(limit);
    this.#now = this.#engine.now();
    for (const number of numbers) {
      const alarm = this.#alarms.get(number);
      if (alarm !== undefined) this.#due.push(alarm);
    }
    this.#fire();
  }

  #fire(): void {
    for (let alarm = this.#due.shift(); alarm !== undefined; alarm = this.#due.shift()) {
      // One of the same tick may have taken it back.
      if (this.#alarms.delete(alarm.number)) alarm.callback();
    }
  }
}
