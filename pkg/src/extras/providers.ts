/**
 * Providers of language models: a test says what the model answers, and the wire is what the provider
 * would write. The words are those of the Rust crate's `mockwire::providers`.
 *
 * @example
 * const transport = new MockTransport();
 * anthropic.messages(transport).lastUserMessageContains("weather").reply(
 *   Answer.text("I look it up.").tool("get_weather", { city: "Paris" }),
 * );
 * anthropic.messages(transport).toolResultContains("get_weather", "21").reply("It is 21 degrees.");
 *
 * @packageDocumentation
 */

export * as anthropic from "./providers/anthropic.js";
export * as gemini from "./providers/gemini.js";
export * as openai from "./providers/openai.js";
export { Answer } from "./providers/answer.js";
export type { AnswerJson, Answerable, AnswerScript, Block, Split, Stop, ToolCallInit, Usage } from "./providers/answer.js";
export { ApiError } from "./providers/api-error.js";
export type { ApiErrorJson, ApiErrorKind } from "./providers/api-error.js";
export type { Conversation, Message, MessageBlock, Role, Tool, ToolResult } from "./providers/conversation.js";
export { AmbiguousTurnError, Dialogue } from "./providers/dialogue.js";
export type { ModelApi, RuleMaker } from "./providers/model-api.js";
export { Prompt } from "./providers/prompt.js";
export type { PromptLike } from "./providers/prompt.js";
export type { Answering, WhenPrompted } from "./providers/when-prompted.js";
