/** What is asked of a conversation, as a value. */

import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";
import { type Ask, Asking, type Fact, type Is } from "./asking.js";

/** What stands for a {@link Prompt}: a text is what the user has said last. */
export type PromptLike = string | Prompt;

/**
 * What a model is asked: conditions on a conversation, all of which must hold. A value, the same for every
 * provider: each method gives another one.
 *
 * @example
 * const secondTry = new Prompt().toolResultContains("get_weather", "timeout").model("claude");
 * anthropic.messages(transport).prompt(secondTry).reply("I could not find out.");
 */
export class Prompt extends Asking<Prompt> {
  readonly #asks: readonly Ask[];

  /** Asks nothing yet: satisfied by every conversation. */
  constructor(asks: readonly Ask[] = []) {
    super();
    this.#asks = asks;
  }

  /** The prompt that a value stands for. */
  static from(value: PromptLike): Prompt {
    if (value instanceof Prompt) return value;
    if (typeof value === "string") return new Prompt().lastUserMessage(value);
    throw new InvalidArgumentError(`a prompt is a text or a Prompt, not ${shown(value)}`);
  }

  /** All that this asks, and then all that the other does. */
  and(other: Prompt): Prompt {
    return new Prompt([...this.#asks, ...other.#asks]);
  }

  /** The same in JSON, for Rust as well. */
  toJSON(): readonly Ask[] {
    return this.#asks;
  }

  /** @internal */
  protected override ask(of: Fact, is: Is): Prompt {
    return new Prompt([...this.#asks, { of, ...is }]);
  }
}
