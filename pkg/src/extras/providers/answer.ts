/** What a model says, in words that all providers share: a value. */

import type { Pace } from "../../index.js";
import { InvalidArgumentError } from "../../index.js";
import { shown } from "../../words.js";
import { ApiError, type ApiErrorJson } from "./api-error.js";

/** What stands for an {@link Answer}: a text, an error, or an answer's JSON. */
export type Answerable = string | Answer | ApiError | AnswerJson;

/** A part of what a model says. */
export type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string; readonly signature?: string }
  | { readonly type: "redactedThinking"; readonly data: string }
  | { readonly type: "refusal"; readonly text: string }
  | ({ readonly type: "toolCall"; readonly name: string; readonly arguments?: unknown } & ToolCallInit);

/** What else can be said of the call of a tool. */
export interface ToolCallInit {
  /** The id of the call; made from the transport's `seed` unless given. */
  readonly id?: string;
  /**
   * Stands for the arguments, as it is: for JSON that a model got wrong or did not finish. Where the wire has
   * a JSON value and this is none, it has an empty object.
   */
  readonly raw?: string;
}

/** Why a model stops; each provider has its own word for it. */
export type Stop =
  | "contentFilter"
  | "endTurn"
  | "maxTokens"
  | "pauseTurn"
  | "refusal"
  | "toolUse"
  | { readonly stopSequence: string }
  /** In the provider's own word. */
  | { readonly other: string };

/** How many tokens an answer tells that it has used. What is not given is estimated: one for every four bytes. */
export interface Usage {
  /** How many the request had. */
  readonly input?: number;
  /** How many the answer has, thinking included. */
  readonly output?: number;
  /** How many of the request's were read from the provider's cache of prompts. */
  readonly cacheRead?: number;
  /** How many were written to that cache (Anthropic). */
  readonly cacheCreation?: number;
  /** How many of the answer's were thinking. */
  readonly reasoning?: number;
}

/**
 * Where a text is cut into the deltas of a stream: after so many bytes, characters, words or tokens (a token
 * counts as four bytes), after these numbers of bytes one after the other, or not at all. Characters stay
 * whole.
 */
export type Split =
  | "whole"
  | { readonly bytes: number }
  | { readonly characters: number }
  | { readonly sizes: readonly number[] }
  | { readonly tokens: number }
  | { readonly words: number };

/** How the stream of an answer goes over the wire; its events come behind the steps. See `Pace`. */
export interface AnswerScript extends Omit<Pace, "repeat" | "terminal"> {
  readonly steps?: ReadonlyArray<
    { readonly text: string } | { readonly base64: string } | { readonly wait: number } | { readonly hold: string }
  >;
}

/** An answer as JSON, the same in Rust. */
export interface AnswerJson {
  readonly content?: readonly Block[];
  readonly stop?: Stop;
  readonly usage?: Usage;
  readonly model?: string;
  readonly id?: string;
  readonly stream?: boolean;
  readonly split?: Split;
  readonly interleaved?: boolean;
  readonly script?: AnswerScript;
  /** In milliseconds. */
  readonly delay?: number;
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  readonly error?: ApiErrorJson;
  readonly alternatives?: readonly AnswerJson[];
}

/**
 * What a model says: text, tool calls, thinking; why it stops; and how the stream goes over the wire. A value,
 * the same for every provider: each method gives another one.
 *
 * @example
 * Answer.text("I look it up.").tool("get_weather", { city: "Paris" }).tool("get_time", { zone: "CET" });
 */
export class Answer {
  readonly #json: AnswerJson;

  /** Says nothing yet. */
  constructor(json: AnswerJson = {}) {
    this.#json = json;
  }

  /** Says this. */
  static text(text: string): Answer {
    return new Answer().say(text);
  }

  /** Refuses, in these words: a `refusal` of OpenAI, the explanation of Anthropic's stop reason. */
  static refusal(text: string): Answer {
    return new Answer().#block({ type: "refusal", text });
  }

  /** Calls a tool; see {@link tool}. */
  static tool(name: string, args?: unknown, init?: ToolCallInit): Answer {
    return new Answer().tool(name, args, init);
  }

  /** No answer: this error, in the provider's envelope. */
  static error(error: ApiError): Answer {
    return new Answer().thenError(error);
  }

  /** The answer that a value stands for. */
  static from(value: Answerable): Answer {
    if (value instanceof Answer) return value;
    if (value instanceof ApiError) return Answer.error(value);
    if (typeof value === "string") return Answer.text(value);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Answer(value);
    throw new InvalidArgumentError(`a model answers with a text, an Answer or an ApiError, not ${shown(value)}`);
  }

  /** Then says this: a block of text of its own. */
  say(text: string): Answer {
    return this.#block({ type: "text", text });
  }

  /** Then calls a tool with these arguments: an object, or nothing. Several calls are made in parallel. */
  tool(name: string, args?: unknown, init: ToolCallInit = {}): Answer {
    return this.#block({ ...init, type: "toolCall", name, ...(args !== undefined && { arguments: args }) });
  }

  /**
   * Then thinks this, signed by the provider, with this signature if it is given. OpenAI's Chat Completions
   * do not show thoughts, and count them.
   */
  thinking(text: string, signature?: string): Answer {
    return this.#block({ type: "thinking", text, ...(signature !== undefined && { signature }) });
  }

  /** Then thinks what is not shown, and this stands for it. */
  redactedThinking(data: string): Answer {
    return this.#block({ type: "redactedThinking", data });
  }

  /** Why it stops: the end of its turn, its tools or its refusal unless it is said. */
  stop(stop: Stop): Answer {
    return this.#with({ stop });
  }

  /** How many tokens were used; estimated unless it is said. */
  usage(usage: Usage): Answer {
    return this.#with({ usage });
  }

  /** Which model answers; the one that was asked unless it is said. */
  model(model: string): Answer {
    return this.#with({ model });
  }

  /** The id of the message; made from the transport's `seed` unless it is said. */
  id(id: string): Answer {
    return this.#with({ id });
  }

  /** Whether it comes as a stream, whatever the request asks for. */
  stream(stream: boolean): Answer {
    return this.#with({ stream });
  }

  /** Where its texts are cut into deltas: after each word unless it is said. */
  split(split: Split): Answer {
    return this.#with({ split });
  }

  /**
   * Another answer, for a request that asks for several at once: `n` of Chat Completions, at most 128, and
   * `candidateCount` of Gemini, at most 8; a request for more is refused as the provider refuses it. Who asks
   * for more than there are gets the same ones again. Of an alternative, only what it says, why it stops and
   * how it is split count.
   *
   * @example
   * openai.chatCompletions(transport).reply(Answer.text("Yes").alternative("No"));
   */
  alternative(answer: Answerable): Answer {
    return this.#with({ alternatives: [...(this.#json.alternatives ?? []), Answer.from(answer).toJSON()] });
  }

  /**
   * The deltas of tool calls that are made in parallel come in turns, and so do those of several answers, where
   * the provider does that (Chat Completions).
   */
  interleaved(): Answer {
    return this.#with({ interleaved: true });
  }

  /**
   * How the stream goes over the wire: in what time, in which chunks, to which end. The event that ends the
   * protocol is left out with `withoutTerminal`; `chunking: { bytes: 1 }` tears characters.
   *
   * @example
   * Answer.text("Hello").script({ firstByte: 300, gap: 20, jitter: 0.2 });
   * Answer.text("Hello").script({ cutAt: 400, end: "reset" });
   */
  script(script: AnswerScript): Answer {
    return this.#with({ script });
  }

  /** How many milliseconds after the request the response begins. */
  delay(milliseconds: number): Answer {
    return this.#with({ delay: milliseconds });
  }

  /** Adds a header field to the response. */
  header(name: string, value: string): Answer {
    return this.#with({ headers: [...(this.#json.headers ?? []), [name, value]] });
  }

  /**
   * Then breaks off with this error, in the middle of the stream. Where no stream is asked for, the error is
   * all there is; so it is where nothing was said before, unless the error is to come in the stream.
   */
  thenError(error: ApiError): Answer {
    if (!(error instanceof ApiError)) throw new InvalidArgumentError(`thenError() takes an ApiError, not ${shown(error)}`);
    return this.#with({ error: error.toJSON() });
  }

  /** The same in JSON, for Rust as well. */
  toJSON(): AnswerJson {
    return this.#json;
  }

  #with(change: AnswerJson): Answer {
    return new Answer({ ...this.#json, ...change });
  }

  #block(block: Block): Answer {
    return this.#with({ content: [...(this.#json.content ?? []), block] });
  }
}
