/** A scripted conversation: what a model says at each turn, and what happens after the last. */

import { MockwireError, type SequenceEnd } from "../../index.js";
import { named } from "../../named.js";
import { Answer, type Answerable } from "./answer.js";
import { Prompt, type PromptLike } from "./prompt.js";

/**
 * A scripted conversation: turn by turn what a model is asked, and what it answers. A value: each method gives
 * another one.
 *
 * The history in each request says which turn it is, so requests may be retried, and many clients may have the
 * same dialogue at once; {@link inScenario} counts requests instead. A request that fits no turn matches nothing: its diagnosis names the nearest turn and
 * what differs there. A turn that never comes fails `verify()`.
 *
 * @example
 * anthropic.messages(transport).dialogue(
 *   new Dialogue()
 *     .turn("Is it warm in Paris?", Answer.tool("get_weather", { city: "Paris" }))
 *     .turn(new Prompt().toolResultContains("get_weather", "21"), "Yes, 21 degrees.")
 *     .turn("Thanks", "You are welcome."),
 * );
 */
export class Dialogue {
  /** @internal */
  readonly turns: ReadonlyArray<readonly [prompt: Prompt, answer: Answer]>;
  readonly #end: SequenceEnd;
  readonly #anyOrder: boolean;
  /** @internal */
  readonly scenario: string | undefined;

  /** A dialogue without turns. */
  constructor();
  /** @internal */
  constructor(turns?: Dialogue["turns"], end?: SequenceEnd, anyOrder?: boolean, scenario?: string);
  constructor(turns: Dialogue["turns"] = [], end: SequenceEnd = "fail", anyOrder = false, scenario?: string) {
    this.turns = turns;
    this.#end = end;
    this.#anyOrder = anyOrder;
    this.scenario = scenario;
  }

  /** The next turn: asked this, the model answers that. `new Prompt()` takes whatever comes at this turn. */
  turn(prompt: PromptLike, answer: Answerable): Dialogue {
    const turns = [...this.turns, [Prompt.from(prompt), Answer.from(answer)] as const];
    return new Dialogue(turns, this.#end, this.#anyOrder, this.scenario);
  }

  /**
   * What happens after the last turn: nothing matches (`"fail"`, unless it is said), the last turn goes on, or
   * all begin again.
   */
  end(end: SequenceEnd): Dialogue {
    return new Dialogue(this.turns, end, this.#anyOrder, this.scenario);
  }

  /**
   * The turns may come in any order: the prompts alone say which it is, and the history does not count. A
   * request that fits more than one fails, with an {@link AmbiguousTurnError} as the cause.
   */
  inAnyOrder(): Dialogue {
    return new Dialogue(this.turns, this.#end, true);
  }

  /**
   * Each request that is answered moves the dialogue on by a turn, whatever its history: for clients that leave
   * the history to the provider, or that cut it. A retry gets the next turn, and all clients have one dialogue.
   *
   * The turn is kept as the transport's scenario of this name: `started`, `turn 2` and so on, and in the end
   * `over`. The rules can then have no other scenario; `transport.setScenario()` goes to any turn.
   */
  inScenario(name: string): Dialogue {
    return new Dialogue(this.turns, this.#end, false, name);
  }

  /** The same in JSON, for Rust as well. */
  toJSON(): object {
    return { turns: this.turns, end: this.#end, anyOrder: this.#anyOrder, scenario: this.scenario };
  }
}

/** A request fits more than one turn of a dialogue whose turns may come in any order. */
export class AmbiguousTurnError extends MockwireError {
  static {
    named(this, "AmbiguousTurnError");
  }

  /** The turns that the request fits, from 1. */
  readonly turns: readonly number[];

  constructor(message: string, turns: readonly number[]) {
    super("MOCKWIRE_AMBIGUOUS_TURN", message);
    this.turns = turns;
  }
}
