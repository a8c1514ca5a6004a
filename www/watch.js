/** What happens on a transport, told from time to time. */

import { MockTransport } from "./pkg/dist/index.js";
import { waterfall } from "./pkg/dist/timeline.js";
import { verdict } from "./pkg/dist/verdict.js";

export class Watch {
  #transport;
  #tell;
  #latest;

  /** Calls `tell` with a snapshot: the timeline, and a picture of it; in the end with the verdict, if there is one. */
  constructor(tell) {
    this.#tell = tell;
  }

  /** From now on, this transport is looked at. */
  begin(transport) {
    if (!(transport instanceof MockTransport)) throw new TypeError(`show() takes a MockTransport, not ${transport}`);
    this.#transport = transport;
    // A disposed transport tells nothing any more.
    const { dispose } = transport;
    transport.dispose = () => {
      if (this.#transport === transport) this.end();
      dispose.call(transport);
    };
  }

  look() {
    const timeline = this.#transport?.timeline({ bodies: true });
    if (timeline === undefined || timeline.entries.length === 0) return;
    const text = JSON.stringify(timeline);
    if (text === this.#latest) return;
    this.#latest = text;
    this.#tell({ timeline, picture: waterfall(timeline) });
  }

  end() {
    if (this.#transport === undefined) return;
    this.#latest = undefined;
    const timeline = this.#transport.timeline({ bodies: true });
    const judged = verdict(this.#transport);
    const isTelling = judged.calls.some(({ attempts }) => attempts.length > 1);
    this.#tell({ timeline, picture: waterfall(timeline), verdict: isTelling ? String(judged) : undefined });
    this.#transport = undefined;
  }
}
