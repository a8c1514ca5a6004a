/** A script on its way to one client. */

import type { Cancel, Place } from "../clock.js";
import type { Player } from "../engine.js";
import type { Exchange } from "../exchange.js";
import { terminated } from "../network-error.js";
import type { Piece, Pieces } from "./body.js";

/** Some frames, and what follows: see `Player`. */
export type Batch = ReturnType<Player["batch"]>;

/** How many frames are made at once. */
const BATCH = 64;

export class Playing implements Pieces {
  /** Of a script that takes no time. */
  lengths?: () => readonly number[];
  readonly #exchange: Exchange;
  readonly #batches: Batch[];
  /** What makes more batches, when they are made for this client. It has to be freed. */
  #player: Player | undefined;
  /** When the head was there, and our place among those who wait; without a script that takes time, neither. */
  readonly #begun: number = 0;
  readonly #place: Place | undefined;
  /** Where we are: which frame of the first batch, and where its bytes begin. */
  #frame = 0;
  #offset = 0;
  /** What is to be called when our time has come. */
  #go: (() => void) | undefined;
  #cancelHold: Cancel | undefined;

  constructor(exchange: Exchange, batches: readonly Batch[], player: Player | undefined) {
    this.#exchange = exchange;
    this.#batches = [...batches];
    this.#player = player;
    if (player === undefined && batches.every(isTimeless)) {
      this.lengths = () => batches.flatMap(([, plan]) => [...plan].filter((_, at) => at % 2 === 1));
      return;
    }
    const { clock } = exchange.core;
    this.#begun = clock.now;
    this.#place = clock.place();
  }

  next(): Piece {
    for (;;) {
      const [, plan, kind, word, due] = this.#batches[0]!;
      const at = 2 * this.#frame;
      if (at < plan.length) return this.#isTurn(plan[at]!) ? this.#take() : this.#turn().then(() => this.#take());
      if (kind === "end") return this.#isTurn(due) ? this.#end(word) : this.#turn().then(() => this.#end(word));
      if (kind === "hold") {
        const { gates, clock } = this.#exchange.core;
        clock.follow();
        const released = gates.released(word);
        if (released === undefined) return this.#hold(word);
        this.#player!.goOn(Math.max(0, released - this.#begun));
      }
      this.#turnPage();
    }
  }

  leave(): void {
    this.#place?.leave();
    this.#cancelHold?.();
    this.#player?.free();
    this.#player = this.#cancelHold = undefined;
  }

  /** Whether the time has come, so long after the head. What is due with the head never waits. */
  #isTurn(due: number): boolean {
    if (due === 0 || this.#place === undefined) return true;
    const go = () => this.#go?.();
    return this.#place.ask(this.#begun + due, go, this.#named("its next frame"), this.#dueNext());
  }

  /** Resolves when the time has come that was asked for. */
  #turn(): Promise<void> {
    return new Promise((resolve) => (this.#go = resolve));
  }

  /** When we shall ask for the frame after this one, if that is certain. */
  #dueNext(): number {
    const [, plan, kind, , due] = this.#batches[0]!;
    const at = 2 * this.#frame + 2;
    if (at < plan.length) return this.#begun + plan[at]!;
    if (kind === "end") return at > plan.length ? NaN : this.#begun + due;
    if (kind === "hold" || at > plan.length) return NaN;
    this.#batches[1] ??= this.#player!.batch(BATCH);
    const [, more, then, , end] = this.#batches[1];
    return more.length > 0 ? this.#begun + more[0]! : then === "end" ? this.#begun + end : NaN;
  }

  #take(): Uint8Array {
    const [bytes, plan] = this.#batches[0]!;
    const begin = this.#offset;
    this.#offset += plan[2 * this.#frame + 1]!;
    this.#frame += 1;
    // A copy: whoever takes a piece owns its memory.
    return bytes.slice(begin, this.#offset);
  }

  #end(word: string): Piece {
    if (word === "clean") return undefined;
    if (word !== "stall") throw terminated(word);
    const { clock } = this.#exchange.core;
    this.#cancelHold = clock.at(Infinity, () => {}, this.#named("nothing, because the script stalls"));
    return new Promise(() => {});
  }

  #hold(name: string): Promise<Uint8Array | undefined> {
    const { gates } = this.#exchange.core;
    const what = this.#named(`release(${JSON.stringify(name)})`);
    return new Promise<void>((resolve) => (this.#cancelHold = gates.wait(name, resolve, what))).then(() => this.next());
  }

  #turnPage(): void {
    this.#batches.shift();
    this.#frame = this.#offset = 0;
    if (this.#batches.length === 0) this.#batches.push(this.#player!.batch(BATCH));
  }

  #named(what: string): () => string {
    const { sequence, method, address } = this.#exchange;
    return () => `#${sequence} ${method} ${address.href}: waits for ${what}`;
  }
}

/** Whether everything is due with the head. */
function isTimeless([, plan, , word, due]: Batch): boolean {
  return due === 0 && word !== "stall" && plan.every((value, at) => at % 2 === 1 || value === 0);
}
