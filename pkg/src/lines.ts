/** Request lines that the engine knows by number, so that a repeated request crosses as one. */

import { type Engine, FORGOTTEN } from "./engine.js";

/** A line that came once: its number is worth asking for when it comes again. */
const CAME_ONCE = -1;

/** How many lines are remembered; then it starts over. The engine remembers as many. */
const LIMIT = 1024;

export class Lines {
  readonly #engine: Engine;
  readonly #numbers = new Map<string, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Tells the engine of an arriving request; its answer. */
  call(line: string): number {
    const number = this.#numbers.get(line);
    if (number === undefined) {
      this.#remember(line, CAME_ONCE);
      return this.#engine.call(line);
    }
    const answer = number === CAME_ONCE ? FORGOTTEN : this.#engine.callKnown(number);
    return answer === FORGOTTEN ? this.#engine.callKnown(this.#remember(line, this.#engine.line(line))) : answer;
  }

  #remember(line: string, number: number): number {
    if (this.#numbers.size >= LIMIT) this.#numbers.clear();
    this.#numbers.set(line, number);
    return number;
  }
}
