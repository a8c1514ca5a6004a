/** A rule for a model that is being written: conditions on the conversation, then the answer. */

import type { DialogueMachine } from "mockwire-extras";
import {
  type CapturedRequest,
  type Condition,
  type Held,
  InvalidArgumentError,
  type Reply,
  type Rule,
  type RuleBuilder,
  type SequenceEnd,
  type Times,
  when,
} from "../../index.js";
import { shown } from "../../words.js";
import { machines } from "../machines.js";
import { Answer, type Answerable } from "./answer.js";
import { Asking, type Ask, type Fact, type Is } from "./asking.js";
import type { Conversation } from "./conversation.js";
import { AmbiguousTurnError, Dialogue } from "./dialogue.js";
import type { ModelApi } from "./model-api.js";
import { Prompt, type PromptLike } from "./prompt.js";
import { asked, told, written } from "./request.js";

/** Says what the model answers to a conversation. */
export type Answering = (conversation: Conversation) => Answerable | Promise<Answerable>;

type Change = (rule: RuleBuilder) => RuleBuilder;

/**
 * A rule for a model that is being written: conditions on the conversation, how often it answers, then the
 * answer, which registers it. The same words for every provider. What is not of models is said with
 * {@link when}: header fields, scenarios, limits.
 *
 * @example
 * anthropic.messages(transport).lastUserMessageContains("weather").offersTool("get_weather").reply(
 *   Answer.text("I look.").tool("get_weather", { city: "Paris" }),
 * );
 */
export class WhenPrompted extends Asking<WhenPrompted> {
  readonly #api: ModelApi;
  readonly #begin: () => RuleBuilder;
  readonly #atOwnTarget: boolean;
  readonly #prompt: Prompt;
  readonly #changes: readonly Change[];

  /** @internal */
  constructor(
    api: ModelApi,
    begin: () => RuleBuilder,
    atOwnTarget: boolean,
    prompt = new Prompt(),
    changes: readonly Change[] = [],
  ) {
    super();
    this.#api = api;
    this.#begin = begin;
    this.#atOwnTarget = atOwnTarget;
    this.#prompt = prompt;
    this.#changes = changes;
  }

  /** Also this, of the conversation. */
  prompt(prompt: PromptLike): WhenPrompted {
    return this.#with(this.#prompt.and(Prompt.from(prompt)), this.#changes);
  }

  /** Also this condition, of the request. */
  and(condition: Condition): WhenPrompted {
    return this.when((rule) => rule.matching(condition));
  }

  /**
   * What else a rule can say: header fields, scenarios, rate limits, chaos.
   *
   * @example
   * anthropic.messages(transport).when((rule) => rule.header("anthropic-beta", "context-1m")).reply("Hello");
   */
  when(change: (rule: RuleBuilder) => RuleBuilder): WhenPrompted {
    if (typeof change !== "function") throw new InvalidArgumentError(`when() takes a function, not ${shown(change)}`);
    return this.#with(this.#prompt, [...this.#changes, change]);
  }

  /**
   * Whatever the function accepts of the conversation. It is called at most once for each request; one that
   * cannot be read is not accepted.
   */
  matching(test: (conversation: Conversation) => unknown): WhenPrompted {
    if (typeof test !== "function") throw new InvalidArgumentError(`matching() takes a function, not ${shown(test)}`);
    const label = test.name === "" ? "(conversation) => …" : `${test.name}()`;
    return this.and(
      when.custom(label, (request) => {
        const conversation = this.#read(request);
        return conversation !== undefined && test(conversation);
      }),
    );
  }

  /** How often it answers: exactly so often, or from `min` to `max` times. */
  times(times: number | Times): WhenPrompted {
    return this.when((rule) => rule.times(times));
  }

  /** Exactly once. */
  once(): WhenPrompted {
    return this.times(1);
  }

  /** Of several rules that match, the one with the highest priority answers; among equals, the first. */
  priority(priority: number): WhenPrompted {
    return this.when((rule) => rule.priority(priority));
  }

  /**
   * The model says this, each time; or what the function makes of the conversation. Registers the rule.
   *
   * @example
   * anthropic.messages(transport).reply(({ lastUserMessage = "" }) => `You said: ${lastUserMessage}`);
   */
  reply(answer: Answerable | Answering): Rule {
    const given = typeof answer === "function" ? this.#handler(answer) : this.#api.reply(answer);
    const rule = this.#rule(this.reply, this.#prompt);
    return typeof given === "function" ? rule.reply(given) : rule.reply(given);
  }

  /**
   * The model says one after the other, whoever asks: a sequence counts requests. Where the history tells what
   * comes next, a {@link dialogue} does not have to count. Registers the rule.
   */
  replySequence(answers: readonly Answerable[], options: { readonly end?: SequenceEnd } = {}): Rule {
    if (!Array.isArray(answers)) throw new InvalidArgumentError(`replySequence() takes an array, not ${shown(answers)}`);
    const replies = (answers as readonly Answerable[]).map((answer) => this.#api.reply(answer));
    return this.#rule(this.replySequence, this.#prompt).replySequence(replies, options);
  }

  /** Fails this many times, then succeeds for good: what a client's retries are tested with. Registers the rule. */
  retry(failures: number, failure: Answerable, success: Answerable): Rule {
    const [failed, succeeded] = [this.#api.reply(failure), this.#api.reply(success)];
    return this.#rule(this.retry, this.#prompt).retry(failures, failed, succeeded);
  }

  /**
   * The model answers turn by turn, by the history in the request: each turn is a rule, which answers at least
   * once. Registers the rules.
   */
  dialogue(dialogue: Dialogue): Rule[] {
    if (!(dialogue instanceof Dialogue) || dialogue.turns.length === 0) {
      throw new InvalidArgumentError("dialogue() takes a Dialogue with at least one turn");
    }
    const machine = told(() => new (machines().DialogueMachine)(this.#api.name, written(dialogue)));
    const answers: readonly Reply[] = dialogue.turns.map(([, answer]) => this.#api.reply(answer));
    const { scenario } = dialogue;
    const states = machine.states();
    return machine.prompts().map((json, turn) => {
      const prompt = this.#prompt.and(new Prompt(JSON.parse(json) as Ask[]));
      const rule = this.#rule(this.dialogue, prompt).times({ min: 1 });
      const [now, next] = states.slice(2 * turn);
      if (scenario !== undefined) rule.inScenario(scenario).whenState(now!).thenState(next!);
      if (machine.mayBeAmbiguous) rule.matching(onlyTurn(machine));
      return rule.reply(answers[turn]!);
    });
  }

  /** Requests wait until the test replies to them, with what `reply` of the provider makes of an answer. Registers the rule. */
  hold(): Held {
    return this.#rule(this.hold, this.#prompt).hold();
  }

  /** @internal */
  protected override ask(of: Fact, is: Is): WhenPrompted {
    return this.prompt(new Prompt([{ of, ...is }]));
  }

  #with(prompt: Prompt, changes: readonly Change[]): WhenPrompted {
    return new WhenPrompted(this.#api, this.#begin, this.#atOwnTarget, prompt, changes);
  }

  /** The rule with all that it asks; its place is where `caller` was called. */
  #rule(caller: unknown, prompt: Prompt): RuleBuilder {
    const condition = this.#api.asking(prompt, this.#atOwnTarget);
    const begun = condition === undefined ? this.#begin() : this.#begin().matching(condition);
    return this.#changes.reduce((rule, change) => changed(rule, change), begun).calledBy(caller);
  }

  #handler(answering: Answering): (request: CapturedRequest) => Promise<Reply> {
    return async (request) => {
      const conversation = this.#read(request);
      // A request that cannot be read is answered as the provider answers it.
      return this.#api.reply(conversation === undefined ? new Answer() : await answering(conversation));
    };
  }

  #read(request: CapturedRequest<any, any>): Conversation | undefined {
    try {
      return this.#api.conversation(request);
    } catch (error) {
      if (error instanceof InvalidArgumentError) return undefined;
      throw error;
    }
  }
}

/** That no other turn fits, of a request that one does. */
function onlyTurn(machine: DialogueMachine): Condition {
  const test = (request: CapturedRequest<any, any>) => {
    const turns = machine.fitting(asked(request));
    if (turns.length > 1) throw new AmbiguousTurnError(machine.ambiguous(turns), [...turns]);
    return true;
  };
  return when.custom("no other turn", test, () => []);
}

function changed(rule: RuleBuilder, change: Change): RuleBuilder {
  const made = change(rule);
  if (typeof made?.calledBy === "function") return made;
  throw new InvalidArgumentError(`when() takes a function that returns the rule, not ${shown(made)}`);
}
