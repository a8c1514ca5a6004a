/** Time that passes by itself: the platform's, or what a test runner has put in its place. */

/** What timers can wait at most. */
const LONGEST = 0x7fffffff;

/** What is looked up whenever it is used, because fake timers come and go. */
interface Platform {
  readonly performance: { now(): number };
  readonly Date: { now(): number };
  readonly setTimeout: (callback: () => void, delay: number) => unknown;
  readonly clearTimeout: (timer: any) => void;
}

const platform = globalThis as unknown as Platform;

/** The platform's own, as long as nobody has replaced them before this package is loaded. */
const OWN = {
  performanceNow: platform.performance.now,
  dateNow: platform.Date.now,
  setTimeout: platform.setTimeout,
};

export class RealTime {
  readonly #ring: () => void;
  #now = 0;
  /** The clock that was read last, and what it lags behind. */
  #source: unknown;
  #lag = 0;
  /** The timer that is running: when it ends, and what it was made with. */
  #due = Infinity;
  #setTimeout: unknown;
  #clear: (() => void) | undefined;

  /** `ring` is called when the time is there that was asked for last. */
  constructor(ring: () => void) {
    this.#ring = ring;
    this.#reach(0);
  }

  get now(): number {
    const clock = clockInUse();
    // Another clock begins somewhere else: time goes on from where it was.
    if (clock !== this.#source) this.#reach(this.#now);
    else this.#now = Math.max(this.#now, read(clock) + this.#lag);
    return this.#now;
  }

  /** Asks to be called at this time, or earlier if that was asked for before. */
  arm(due: number): void {
    const { setTimeout, clearTimeout } = platform;
    // Fake timers that are taken away take with them what was set.
    if (this.#due <= due && this.#setTimeout === setTimeout) return;
    this.stop();
    const { now } = this;
    // A microsecond more or less is rounding, and must not cost a millisecond.
    const delay = Math.min(Math.max(0, Math.ceil(due - now - 0.001)), LONGEST);
    this.#due = delay === LONGEST ? now + delay : due;
    this.#setTimeout = setTimeout;
    const timer = setTimeout(() => this.#elapsed(), delay);
    this.#clear = () => clearTimeout(timer);
  }

  stop(): void {
    this.#clear?.();
    this.#clear = undefined;
    this.#due = Infinity;
  }

  #elapsed(): void {
    const due = this.#due;
    this.#due = Infinity;
    this.#clear = undefined;
    // The timer is right, and a clock that says otherwise is behind: some fake timers leave it alone.
    if (this.now < due) this.#reach(due);
    this.#ring();
  }

  /** From here on, the platform's clock counts from `now`. */
  #reach(now: number): void {
    const clock = clockInUse();
    this.#source = clock;
    this.#lag = now - read(clock);
    this.#now = now;
  }
}

/**
 * The function that tells the time. It is that of the timers: where they were replaced and `performance` was
 * not, as Node's mock timers do it, the date tells; and where nothing else was replaced, nothing does, so that
 * time stands still between two timers.
 */
function clockInUse(): unknown {
  const { performance, Date, setTimeout } = platform;
  if (performance.now !== OWN.performanceNow || setTimeout === OWN.setTimeout) return performance.now;
  return Date.now === OWN.dateNow ? undefined : Date.now;
}

function read(clock: unknown): number {
  const { performance, Date } = platform;
  return clock === performance.now ? performance.now() : clock === undefined ? 0 : Date.now();
}
