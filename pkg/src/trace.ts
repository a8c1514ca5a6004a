/** What happened to an exchange, where that is not to be told from its arrival: nothing, in most cases. */

import type { Pieces } from "./reply/body.js";

/** How many frames are told one by one. */
const FRAMES_LIMIT = 1024;

/** Times are the transport's, in milliseconds. */
export class Trace {
  /** When a rule was found, the head was given, and it was over: if that was not on the arrival. */
  matched: number | undefined;
  head: number | undefined;
  end: number | undefined;
  /** The code of what went wrong. */
  code: string | undefined;
  /** Whether its host was killed. */
  isKilled = false;
  /** How long the request's body was, where less than that is kept. */
  bodyLength: number | undefined;
  /** The pieces of the response's body, when they are all there from the beginning. */
  ready: Pieces | undefined;
  /** When each frame was taken that has a time of its own, and how long it was, in turns. */
  #frames: number[] | undefined;
  droppedFrames = 0;

  addFrame(at: number, bytes: number): void {
    const frames = (this.#frames ??= []);
    if (frames.length < 2 * FRAMES_LIMIT) frames.push(at, bytes);
    else this.droppedFrames += 1;
  }

  /** The frames with times of their own; `undefined` when none was taken. */
  get frames(): Array<{ readonly at: number; readonly bytes: number }> | undefined {
    const frames = this.#frames;
    return frames && Array.from({ length: frames.length / 2 }, (_, n) => ({ at: frames[2 * n]!, bytes: frames[2 * n + 1]! }));
  }
}
