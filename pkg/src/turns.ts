/** Turns of the event loop, as long as there is something to do in them. */

/**
 * A turn comes when every promise callback has run. It is a message and no timer: test runners replace
 * timers. While no turn is wanted there is no channel, so that a process can end.
 */
export class Turns {
  readonly #work: () => boolean;
  #channel: MessageChannel | undefined;
  #isWanted = false;

  /** `work` says whether it wants another turn. */
  constructor(work: () => boolean) {
    this.#work = work;
  }

  start(): void {
    this.#isWanted = true;
    if (this.#channel !== undefined) return;
    this.#channel = new MessageChannel();
    this.#channel.port1.onmessage = () => this.#turn();
    this.#next();
  }

  stop(): void {
    this.#isWanted = false;
    this.#channel?.port1.close();
    this.#channel = undefined;
  }

  #turn(): void {
    // One turn without work, then the channel is closed: whoever is served tends to want more.
    if (!this.#isWanted) return this.stop();
    try {
      this.#isWanted = this.#work();
    } finally {
      this.#next();
    }
  }

  #next(): void {
    this.#channel?.port2.postMessage(undefined);
  }
}
