/** Request lines that the engine knows by number, so that a repeated request crosses as one. */

import { type Engine, FAILED, FORGOTTEN, numberOf } from "./engine.js";

/** Instead of the number of a line: it has never come, or it came once and is worth asking for when it comes again. */
const NEW = -2;
const CAME_ONCE = -1;

/** What the engine is asked with: `METHOD URL`. */
export class Line {
  readonly text: string;
  #number = NEW;

  constructor(text: string) {
    this.text = text;
  }

  /** Tells an engine of an arriving request; its answer. */
  arrive(engine: Engine): number {
    const number = this.#number;
    if (number === NEW) {
      const answer = engine.call(this.text);
      // What cannot be read gets no number either.
      if (answer !== FAILED) this.#number = CAME_ONCE;
      return answer;
    }
    const answer = number === CAME_ONCE ? FORGOTTEN : engine.callKnown(number);
    return answer === FORGOTTEN ? engine.callKnown((this.#number = numberOf(this.text))) : answer;
  }
}
