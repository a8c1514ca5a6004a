/**
 * The transport's time, and who waits for it.
 *
 * Who stands in line, and in which order, the engine knows; here it is made to happen. Nothing exists
 * before somebody waits, and nothing is left when nobody does.
 */

import type { Engine } from "./engine.js";
import { InvalidArgumentError } from "./errors.js";
import { RealTime } from "./real-time.js";
import { pendingTasks } from "./tasks.js";
import { Turns } from "./turns.js";

/** Who moves the time: see the option `timing`. */
export type Timing = "instant" | "manual" | "real";

/** Takes an alarm back. Does nothing when it has gone off. */
export type Cancel = () => void;

/** Somebody in line. */
interface Waiting {
  readonly due: number;
  /** When it will ask next, if it knows. */
  readonly next: number;
  readonly callback: () => void;
  readonly what: () => string;
}

/** Times are milliseconds since the transport was made. */
export class Clock {
  readonly #engine: Engine;
  readonly #isInstant: boolean;
  readonly #real: RealTime | undefined;
  #turns: Turns | undefined;
  /** The engine's time, which moves only from here. */
  #now = 0;
  /** Who stands in line, by place. */
  readonly #waiting = new Map<number, Waiting>();
  /** Those whose time has come, and who are called one after the other. */
  readonly #due: number[] = [];
  /** Those who were due when they came, and are called soon. */
  readonly #soon: Array<() => void> = [];
  /** Those who wait until nothing is due up to this time. */
  #advancing: Array<{ readonly to: number; readonly resolve: () => void }> = [];
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
    const place = new Place(this, this.#engine.place());
    let isWanted = true;
    const isDue = place.ask(due, callback, what);
    if (isDue) {
      this.#soon.push(() => isWanted && callback());
      this.#turn();
    }
    return () => {
      isWanted = false;
      place.leave();
    };
  }

  /** A place for somebody who waits again and again, and knows for what. */
  place(): Place {
    return new Place(this, this.#engine.place());
  }

  /** The engine's time is ours, which passes by itself where it is real. */
  follow(): void {
    if (this.#real !== undefined) this.#engine.advanceTo(this.#real.now);
  }

  /** For `Place`. */
  ask(place: number, waiting: Waiting): boolean {
    const { due, next } = waiting;
    if (this.#isStopped) return false;
    this.follow();
    if (due !== Infinity && this.#engine.ask(due, place, next)) return true;
    this.#waiting.set(place, waiting);
    if (this.#real !== undefined && due !== Infinity) this.#real.arm(due);
    else if (this.#isInstant || due <= this.#now) this.#turn();
    return false;
  }

  /** For `Place`. */
  leave(place: number, due: number): void {
    this.#waiting.delete(place);
    if (this.#isStopped) return;
    this.#engine.leave(due, place);
    if (this.#waiting.size === 0) this.#real?.stop();
  }

  /**
   * Moves time forward, and lets what falls due meanwhile happen at its own time. Resolves when all that
   * follows from it has happened as well.
   */
  advance(milliseconds: number): Promise<void> {
    if (this.#real !== undefined) {
      throw new InvalidArgumentError('advance() has no power over `timing: "real"`: time moves by itself there');
    }
    const to = this.#now + milliseconds;
    this.#reach(to);
    return new Promise((resolve) => {
      if (this.#isStopped) return resolve();
      this.#advancing.push({ to, resolve });
      this.#turn();
    });
  }

  /** Who waits for which time, the next one first. */
  waiting(): Array<{ readonly what: string; readonly due: number }> {
    const waiting = Array.from(this.#waiting.values(), ({ what, due }) => ({ what: what(), due }));
    return waiting.sort((one, other) => one.due - other.due);
  }

  /** Has everybody stand in line again, of whom the engine has lost track with a reset. */
  restore(): void {
    for (const [place, { due, callback }] of this.#waiting) {
      if (due === Infinity || !this.#engine.ask(due, place, NaN)) continue;
      this.#waiting.delete(place);
      this.#soon.push(callback);
      this.#turn();
    }
  }

  /** Nobody is called any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
    this.#due.length = this.#soon.length = 0;
    this.#turns?.stop();
    this.#real?.stop();
    for (const { resolve } of this.#advancing.splice(0)) resolve();
  }

  /** Asks for a turn of the event loop. */
  #turn(): void {
    (this.#turns ??= new Turns(() => this.#settled())).start();
  }

  /** Everything that needs no time has happened. Says whether there is more to come. */
  #settled(): boolean {
    // Events that are on their way come before any time passes.
    if (pendingTasks() > 0) return true;
    if (this.#soon.length > 0) {
      for (let call = this.#soon.shift(); call !== undefined; call = this.#soon.shift()) call();
      return true;
    }
    if (this.#advancing.length > 0) {
      const next = this.#engine.nextDue();
      for (const { to, resolve } of this.#advancing) if (next > to) resolve();
      this.#advancing = this.#advancing.filter(({ to }) => next <= to);
    }
    const hasMore = this.#step(this.#isInstant ? Infinity : this.now, true);
    return !this.#isStopped && (hasMore || this.#advancing.length > 0);
  }

  /** Time goes on to there, and what is due on the way happens. */
  #reach(to: number): void {
    try {
      while (this.#step(to, false));
    } finally {
      if (!this.#isStopped) this.#arrive(to);
    }
  }

  #arrive(to: number): void {
    this.#engine.advanceTo(to);
    this.#now = Math.max(this.#now, to);
    const next = this.#engine.nextDue();
    if (this.#due.length > 0 || next <= to) this.#turn();
    else if (next < Infinity) this.#real?.arm(next);
  }

  /** Lets happen what is due next, unless that is later than `limit`. Says whether there was anything. */
  #step(limit: number, settled: boolean): boolean {
    // Those whom an earlier step has not come to: one of them moves the time, or has thrown.
    this.#call();
    if (this.#isStopped) return false;
    const places = this.#engine.step(limit, settled);
    if (places.length === 0) return false;
    this.#now = this.#engine.now();
    this.#due.push(...places);
    this.#call();
    return true;
  }

  /** Calls those whose time has come. */
  #call(): void {
    for (let place = this.#due.shift(); place !== undefined; place = this.#due.shift()) {
      const waiting = this.#waiting.get(place);
      // One before it may have taken it back, or may come first once more.
      if (waiting === undefined || !this.#engine.ask(waiting.due, place, waiting.next)) continue;
      this.#waiting.delete(place);
      waiting.callback();
    }
  }
}

/** A place in the line of those who wait. Among those due together, who came first comes first. */
export class Place {
  readonly #clock: Clock;
  readonly #number: number;
  /** For which time it stands in line. */
  #due = NaN;

  constructor(clock: Clock, number: number) {
    this.#clock = clock;
    this.#number = number;
  }

  /**
   * Asks whether it is our turn at this time. If it is not, `callback` is called when it is. Whoever
   * knows for when it will ask next keeps its place there by saying so: until everything has settled,
   * nobody who is due later comes before.
   */
  ask(due: number, callback: () => void, what: () => string, next = NaN): boolean {
    const turn = () => {
      this.#due = next;
      callback();
    };
    this.#due = due;
    const isDue = this.#clock.ask(this.#number, { due, next, callback: turn, what });
    if (isDue) this.#due = next;
    return isDue;
  }

  /** Gives the place up. */
  leave(): void {
    if (Number.isNaN(this.#due)) return;
    this.#clock.leave(this.#number, this.#due);
    this.#due = NaN;
  }
}
