/** What is due at a time of the transport. */

import type { Core } from "../core.js";
import { pendingTasks, queueTask } from "./tasks.js";

interface Alarm {
  readonly due: number;
  readonly callback: () => void;
}

/** Takes an alarm back. Does nothing when it has gone off. */
export type Cancel = () => void;

export class Alarms {
  readonly #core: Core;
  /** In the order in which they are due; among equals, in which they were set. */
  readonly #alarms: Alarm[] = [];
  #stepping = false;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Calls back at this time, and never before this returns. */
  at(due: number, callback: () => void): Cancel {
    const alarm = { due, callback };
    const later = this.#alarms.findIndex((other) => other.due > due);
    this.#alarms.splice(later < 0 ? this.#alarms.length : later, 0, alarm);
    this.#step();
    return () => {
      const at = this.#alarms.indexOf(alarm);
      if (at >= 0) this.#alarms.splice(at, 1);
    };
  }

  /** Time has moved. */
  reach(now: number): void {
    while (this.#alarms.length > 0 && this.#alarms[0]!.due <= now) this.#alarms.shift()!.callback();
  }

  /** When everything that needs no time has happened, what is due next happens. */
  #step(): void {
    if (this.#stepping || this.#alarms.length === 0) return;
    this.#stepping = true;
    queueTask(() => {
      this.#stepping = false;
      const { disposed, options } = this.#core;
      if (disposed || this.#alarms.length === 0) return;
      const limit = options.timing === "manual" ? this.#core.now : Infinity;
      const { due } = this.#alarms[0]!;
      if (pendingTasks() === 0 && due <= limit) {
        if (due > this.#core.now) this.#core.advance(due - this.#core.now);
        else this.reach(this.#core.now);
      }
      if (this.#alarms.length > 0 && this.#alarms[0]!.due <= limit) this.#step();
    });
  }
}
