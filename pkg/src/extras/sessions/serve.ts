/** Answering the messages of sessions with a function. */

import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";
import { checked, isPositive } from "../options.js";
import { isSignal } from "../signals.js";
import type { Host } from "./host.js";
import type { Turn } from "./turn.js";

/** What a turn is answered with besides what the function pushes: a text, or pieces as they come. */
export type TurnOutput = string | Iterable<string> | AsyncIterable<string> | void | undefined;

/** Answers the messages of a turn. */
export type TurnHandler<Content = any, Values extends object = Record<string, any>> = (
  turn: Turn<Content, Values>,
) => TurnOutput | PromiseLike<TurnOutput>;

/** How messages are answered. */
export interface ServeOptions {
  /** How many turns may go on at once, each of another session. Any number unless given. */
  readonly workers?: number;
  /** Takes no more turns. Those that are going on go on. */
  readonly signal?: AbortSignal | undefined;
}

/** @internal */
export function serve(host: Host, handler: TurnHandler<any, any>, options: ServeOptions): void {
  const tests = { workers: (value: unknown) => value === Infinity || isPositive(value), signal: isSignal };
  const { workers = Infinity, signal } = checked("serve()", options, tests);
  if (typeof handler !== "function") throw new InvalidArgumentError(`serve() takes a function, not ${shown(handler)}`);
  host.waits.now(); // throws when the transport is disposed
  let free = workers;
  const take = (turn: Turn<any, any>) => {
    free -= 1;
    if (free === 0) host.leave(take);
    void answer(host, turn, handler).then(() => {
      free += 1;
      if (free === 1 && signal?.aborted !== true) host.enter(take);
    });
  };
  if (signal?.aborted === true) return;
  signal?.addEventListener("abort", () => host.leave(take), { once: true });
  host.enter(take);
}

/** Plays one turn. It is waited for no longer than it goes on. */
async function answer({ waits }: Host, turn: Turn<any, any>, handler: TurnHandler<any, any>): Promise<void> {
  const during = <T>(step: () => T | PromiseLike<T>) =>
    waits.until(new Promise<T>((resolve) => resolve(step())), turn.signal);
  try {
    const output = await during(() => handler(turn));
    if (typeof output === "string") turn.push(output);
    else if (output !== undefined) await pieces(output, turn, during);
    if (!turn.isOver) turn.finish();
  } catch (error) {
    if (!turn.isOver) turn.fail(error);
  }
}

async function pieces(
  output: Iterable<string> | AsyncIterable<string>,
  turn: Turn<any, any>,
  during: <T>(step: () => T | PromiseLike<T>) => Promise<T>,
): Promise<void> {
  const iterator = iteratorOf(output);
  try {
    for (;;) {
      const { done, value } = await during(() => iterator.next());
      if (done === true) return;
      turn.push(value);
    }
  } catch (error) {
    // It is told, and not waited for: it may be in the middle of something.
    void (async () => iterator.return?.())().catch(() => {});
    throw error;
  }
}

function iteratorOf(output: Iterable<string> | AsyncIterable<string>): Iterator<string> | AsyncIterator<string> {
  const { [Symbol.asyncIterator]: each, [Symbol.iterator]: one } = output as Partial<AsyncIterable<string> & Iterable<string>>;
  const made = each?.call(output) ?? one?.call(output);
  if (made !== undefined) return made;
  throw new InvalidArgumentError(`a turn is answered with a text, or with an iterable of texts, not ${shown(output)}`);
}
