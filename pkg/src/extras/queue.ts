/**
 * A queue of requests, or of anything else: by priority, bounded, so many at once.
 *
 * @packageDocumentation
 */

import type { QueueMachine } from "mockwire-extras";
import { InvalidArgumentError, MockwireError } from "../index.js";
import { named } from "../named.js";
import { shown } from "../words.js";
import { machines } from "./machines.js";
import { checked, isCount, isPositive, isTime } from "./options.js";
import { assertWanted, isSignal } from "./signals.js";
import { type TransportTime, Waits } from "./waits.js";

export type { TransportTime } from "./waits.js";

/** How urgent an item is. Equals keep their order. */
export type Priority = "low" | "normal" | "high" | "critical";

/** How a {@link RequestQueue} behaves. */
export interface QueueOptions {
  /** How many items are worked on at once; at least one. */
  readonly workers: number;
  /** How many items may wait. Any number unless given. */
  readonly maxWaiting?: number;
  /**
   * After how many milliseconds of waiting, in the transport's time, an item rises by one priority, so
   * that none waits for ever. None rises unless given.
   */
  readonly ageing?: number;
}

/** How an item is added. */
export interface ItemOptions {
  /** `"normal"` unless given. */
  readonly priority?: Priority;
  /** Takes the item out while it waits, and is passed on to the work while that goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** How a {@link RequestQueue} stands. */
export interface QueueStatus {
  /** How many items wait. */
  readonly waiting: number;
  /** How many are being worked on: never more than there are workers. */
  readonly running: number;
  /** The most that were ever worked on at once. */
  readonly peak: number;
  /** How many were worked on to the end, whether that was a success or a failure. */
  readonly done: number;
  /** How many were cancelled before, or gave up because they were. */
  readonly cancelled: number;
  /** How the queue was stopped, if it was. */
  readonly stopped: "drain" | "cancel" | undefined;
}

/** As many items wait as may. */
export class QueueFullError extends MockwireError {
  static {
    named(this, "QueueFullError");
  }

  /** How many wait. */
  readonly waiting: number;

  constructor(waiting: number) {
    super("MOCKWIRE_QUEUE_FULL", `the queue is full: ${waiting} wait already, and no more may (\`maxWaiting\`)`);
    this.waiting = waiting;
  }
}

/** The queue was stopped: it takes nothing more, or has cancelled what waited. */
export class QueueStoppedError extends MockwireError {
  static {
    named(this, "QueueStoppedError");
  }

  constructor(message: string) {
    super("MOCKWIRE_QUEUE_STOPPED", message);
  }
}

/** As the machine counts them, from the lowest. */
const PRIORITIES: readonly unknown[] = ["low", "normal", "high", "critical"] satisfies Priority[];

/** What the machine answers to `push` instead of a number. */
const FULL = 0;
const STOPPED = -1;

interface Item {
  /** Works on it; to be called once. */
  readonly begin: () => Promise<void>;
  /** Ends it before it is worked on to its end. */
  readonly fail: (error: unknown) => void;
}

/**
 * Works on items, the most urgent first, in order of arrival among equals, on a transport's time. Each
 * item ends once. One that is cancelled while it waits is never worked on.
 *
 * Items that are added together are sorted before the first one begins.
 *
 * @example
 * const transport = new MockTransport();
 * transport.get("/:page").reply((request) => request.params.page);
 * const queue = new RequestQueue(transport, { workers: 2, maxWaiting: 100 });
 *
 * const get = (path) => (signal) => transport.fetch(`https://api.test${path}`, { signal });
 * void queue.add(get("/prefetch"), { priority: "low" });
 * const login = await queue.add(get("/login"), { priority: "critical" });
 * await queue.stop("drain");
 */
export class RequestQueue {
  readonly #waits: Waits;
  readonly #machine: QueueMachine;
  /** Those that wait. */
  readonly #waiting = new Map<number, Item>();
  /** Those that are not over. */
  readonly #items = new Set<Item>();
  #isWaking = false;
  /** Who wants to know when all are over. */
  #idle: Array<() => void> = [];
  readonly #end = (reason: unknown) => {
    this.#machine.stop(true);
    for (const item of [...this.#items]) item.fail(reason);
  };

  /** A queue on the time of this transport. */
  constructor(transport: TransportTime, options: QueueOptions) {
    this.#waits = new Waits(transport, "new RequestQueue()");
    const isAgeing = (value: unknown) => isTime(value) && value !== 0;
    const tests = { workers: isPositive, maxWaiting: isCount, ageing: isAgeing };
    const { workers, maxWaiting, ageing = Infinity } = checked("new RequestQueue()", options, tests);
    if (workers === undefined) throw new InvalidArgumentError("new RequestQueue() needs the option `workers`");
    this.#machine = new (machines().QueueMachine)(workers, maxWaiting, ageing);
  }

  /**
   * Adds an item; what its work gives, or fails with. Rejects
   *
   * - with a `QueueFullError` when as many wait as may, and a `QueueStoppedError` after `stop`;
   * - with the signal's reason when that aborts while the item waits. Once it is worked on, the work
   *   gets that from the signal that is passed to it, and the item ends when the work does;
   * - with a `QueueStoppedError` when the queue is stopped with `"cancel"` while the item waits;
   * - with a `DisposedError` when the transport is disposed, of which the work is told by its signal.
   */
  add<T>(work: (signal: AbortSignal) => T | PromiseLike<T>, options: ItemOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (typeof work !== "function") throw new InvalidArgumentError(`add() takes a function, not ${shown(work)}`);
      const tests = { priority: (value: unknown) => PRIORITIES.includes(value), signal: isSignal };
      const { priority = "normal", signal } = checked("add()", options, tests);
      assertWanted(signal);
      const number = this.#machine.push(PRIORITIES.indexOf(priority), this.#waits.now());
      if (number === FULL) throw new QueueFullError(this.status.waiting);
      if (number === STOPPED) throw new QueueStoppedError("the queue was stopped, and takes nothing more: make a new one");
      this.#enter(number, work, signal, resolve, reject);
    });
  }

  /**
   * Takes no more items; those that wait are worked on first, or are cancelled. Those that are being worked
   * on go on. Resolves when all are over. To stop once more can only cancel what was to be drained.
   */
  async stop(how: "drain" | "cancel"): Promise<void> {
    if (how !== "drain" && how !== "cancel") {
      throw new InvalidArgumentError(`stop() takes "drain" or "cancel", not ${shown(how)}`);
    }
    this.#waits.now(); // throws when it is disposed
    this.#machine.stop(how === "cancel");
    if (how === "cancel") {
      const cancelled = [...this.#waiting.values()];
      for (const item of cancelled) item.fail(new QueueStoppedError("the queue was stopped before the item's turn came"));
    }
    return this.idle();
  }

  /** Resolves when no item waits or is worked on. Rejects when the transport is disposed. */
  idle(): Promise<void> {
    const over = this.#items.size === 0 ? Promise.resolve() : new Promise<void>((resolve) => this.#idle.push(resolve));
    return this.#waits.until(over);
  }

  /** How the queue stands. */
  get status(): QueueStatus {
    const [waiting, running, peak, done, cancelled] = this.#machine.status();
    const stopped = ([undefined, "drain", "cancel"] as const)[this.#machine.stopped()];
    return { waiting: waiting!, running: running!, peak: peak!, done: done!, cancelled: cancelled!, stopped };
  }

  #enter<T>(
    number: number,
    work: (signal: AbortSignal) => T | PromiseLike<T>,
    signal: AbortSignal | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    let controller: AbortController | undefined;
    const leave = () => {
      signal?.removeEventListener("abort", abort);
      this.#waiting.delete(number);
      this.#leave(item);
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
      controller?.abort(error);
    };
    const abort = () => {
      if (controller !== undefined) controller.abort(signal!.reason);
      else if (this.#machine.cancel(number)) fail(signal!.reason);
    };
    const begin = async () => {
      controller = new AbortController();
      this.#waiting.delete(number);
      try {
        const value = await work(controller.signal);
        this.#machine.finish(number, true);
        resolve(value);
      } catch (error) {
        this.#machine.finish(number, !controller.signal.aborted);
        reject(error);
      }
      leave();
      this.#wake();
    };
    const item: Item = { begin, fail };
    if (this.#items.size === 0) this.#waits.enter(this.#end);
    this.#items.add(item);
    this.#waiting.set(number, item);
    signal?.addEventListener("abort", abort);
    this.#wake();
  }

  #leave(item: Item): void {
    this.#items.delete(item);
    if (this.#items.size > 0) return;
    this.#waits.leave(this.#end);
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Has the next items begin, when those that are added together are all there. */
  #wake(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    void Promise.resolve().then(() => {
      this.#isWaking = false;
      // Work that begins may dispose the transport.
      while (!this.#waits.isOver) {
        const number = this.#machine.next(this.#waits.now());
        if (number === 0) return;
        void this.#waiting.get(number)!.begin();
      }
    });
  }
}
