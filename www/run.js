/** One run of somebody's code: in a worker of its own, so that it can be stopped whatever it does. */
export class Run {
  #worker = new Worker("worker.js", { type: "module" });
  #isOver = false;

  /**
   * `name` is what places in the code are called by. `on` is told what is printed (`onLine`), what has happened
   * on the transport so far (`onSnapshot`), and the end (`onEnd`), with the error if that was one.
   */
  constructor(code, name, on) {
    this.#worker.addEventListener("message", ({ data: { kind, ...rest } }) => {
      if (this.#isOver) return;
      if (kind === "line") on.onLine(rest.level, rest.text);
      if (kind === "snapshot") on.onSnapshot(rest.snapshot);
      if (kind === "end") this.#end(() => on.onEnd(rest.error));
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#end(() => on.onEnd(event.message ?? "The worker could not be started."));
    });
    this.#worker.postMessage({ code, name });
  }

  /** Ends it at once; whether it was going on. */
  stop() {
    return this.#end(() => {});
  }

  #end(then) {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#worker.terminate();
    then();
    return true;
  }
}
