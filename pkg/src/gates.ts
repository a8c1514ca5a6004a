/** Names at which streams are held until the test releases them. */

import type { Cancel } from "./clock.js";
import type { Core } from "./core.js";

interface Held {
  readonly callback: () => void;
  readonly what: () => string;
}

export class Gates {
  readonly #core: Core;
  readonly #held = new Map<string, Set<Held>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** When the name was released, in the transport's time; `undefined` when it was not. */
  released(name: string): number | undefined {
    const at = this.#core.engine.released(name);
    return Number.isNaN(at) ? undefined : at;
  }

  /** Calls back when the name is released, in order of arrival. */
  wait(name: string, callback: () => void, what: () => string): Cancel {
    const held = { callback, what };
    const others = this.#held.get(name);
    if (others === undefined) this.#held.set(name, new Set([held]));
    else others.add(held);
    return () => this.#held.get(name)?.delete(held);
  }

  release(name: string): void {
    const { clock, engine } = this.#core;
    clock.follow();
    engine.release(name);
    const held = this.#held.get(name);
    this.#held.delete(name);
    if (held !== undefined) for (const { callback } of held) callback();
  }

  waiting(): Array<{ readonly what: string; readonly due: number }> {
    const held = [...this.#held.values()].flatMap((names) => [...names]);
    return held.map(({ what }) => ({ what: what(), due: Infinity }));
  }
}
