/** What a request asks of a model, in words that all providers share. */

import type { CapturedRequest } from "../../index.js";
import { asked, told } from "./request.js";

/** Who says a message. `tool`: where the results of tools are messages of their own. */
export type Role = "assistant" | "system" | "tool" | "user";

/** What a tool has given. */
export interface ToolResult {
  readonly type: "toolResult";
  /** The id of the call. */
  readonly id: string;
  /** The name of the tool, found by the id where the request does not say it; else empty. */
  readonly name: string;
  /** The text of the result, or the text of its JSON. */
  readonly content: string;
  /** Whether the tool has failed, where the provider can tell. */
  readonly isError: boolean;
}

/** A part of a message. */
export type MessageBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "toolCall"; readonly id: string; readonly name: string; readonly arguments: any }
  | ToolResult
  /** Anything else, as the request has it: an image, a document. */
  | { readonly type: "other"; readonly value: any };

/** A message of a conversation. */
export interface Message {
  readonly role: Role;
  /** Its texts, joined by line breaks. */
  readonly text: string;
  /** What is said, in order. */
  readonly blocks: readonly MessageBlock[];
}

/** A tool that the model may call. */
export interface Tool {
  /** Its name; of a tool that the provider has itself, its type. */
  readonly name: string;
  /** What it is for. */
  readonly description?: string;
  /** The JSON Schema of its arguments, where there is one. */
  readonly schema?: any;
}

/** What a request asks of a model: a snapshot. The same for all providers. */
export interface Conversation {
  /** Which model is asked; empty when the request does not say. */
  readonly model: string;
  /** What the model is told about its task: all of it, joined by line breaks. */
  readonly system?: string;
  /** Of how many blocks that is made; 1 for a plain string. */
  readonly systemBlocks: number;
  /** The messages, in order, as many as the request has. */
  readonly messages: readonly Message[];
  /** The tools that the model may call. */
  readonly tools: readonly Tool[];
  /** How many tokens the answer may have. */
  readonly maxTokens?: number;
  /** How many answers are asked for at once: `n` of Chat Completions, `candidateCount` of Gemini. */
  readonly choices?: number;
  /** Whether a stream is asked for. */
  readonly stream: boolean;
  /** How many tokens the model may think. */
  readonly thinkingBudget?: number;
  /** How much the model is to think, in OpenAI's words: `low`, `medium`, `high`. */
  readonly reasoningEffort?: string;
  /**
   * Which of the model's answers this is to be, from 1: one more than the model has given, by the history in
   * the request. With OpenAI's `previous_response_id`, and in Anthropic's threads, the provider has the
   * history: the ids that are made from the transport's seed tell their turn, so the count goes on.
   */
  readonly turn: number;
  /** What the user has said last, if nothing has come since. */
  readonly lastUserMessage?: string;
  /** What tools have given since the model's last message. */
  readonly toolResults: readonly ToolResult[];
  /** All that is said, by everybody, joined by line breaks. */
  readonly text: string;
  /** The body of the request. */
  readonly json: any;
  /** The tool of this name. */
  tool(name: string): Tool | undefined;
  /** The text of the result of a tool, by the id of the call or by the name of the tool, since the model's last message. */
  toolResult(idOrName: string): string | undefined;
}

/** What a request asks of a provider's model. Throws when its body is no JSON. */
export function conversationOf(provider: string, request: CapturedRequest<any, any>): Conversation {
  const read = JSON.parse(told(() => asked(request).conversation(provider))) as Omit<Conversation, "json" | "tool" | "toolResult">;
  return {
    ...read,
    json: request.json(),
    tool: (name) => read.tools.find((tool) => tool.name === name),
    toolResult: (idOrName) => told(() => asked(request).toolResult(provider, idOrName)),
  };
}
